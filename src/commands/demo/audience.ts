// Who watches the demo: an MQTT client of its own, so that what is printed is what Home Assistant would have received.
import { connectAsync } from 'mqtt';

/** One message of `room/<id>/person`, as far as the demo looks at it. */
export interface HeardEvent {
  readonly event_type: string;
  readonly name: string | null;
  readonly confidence: string;
  readonly present: readonly string[];
  /** When it happened, ISO 8601. */
  readonly at: string;
}

export interface Audience extends AsyncDisposable {
  readonly heard: readonly HeardEvent[];
}

/** Subscribes to `topic` and calls `hear` for each event. */
export async function startAudience(url: string, topic: string, hear: (event: HeardEvent) => void): Promise<Audience> {
  const client = await connectAsync(url, { reconnectPeriod: 0 });
  const heard: HeardEvent[] = [];
  client.on('message', (_, payload) => {
    const event: HeardEvent = JSON.parse(payload.toString());
    heard.push(event);
    hear(event);
  });
  await client.subscribeAsync(topic, { qos: 1 });
  return { heard, [Symbol.asyncDispose]: () => client.endAsync() };
}
