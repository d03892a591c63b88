// The audience of the demo: a separate MQTT client, so that the demo prints exactly what Home Assistant would receive.
import { connectAsync } from 'mqtt';

/** A message of `room/<id>/person`: the fields that the demo uses. */
export interface HeardEvent {
  readonly event_type: string;
  readonly name: string | null;
  readonly confidence: string;
  readonly present: readonly string[];
  /** Time of the event, ISO 8601. */
  readonly at: string;
}

export interface Audience extends AsyncDisposable {
  readonly events: readonly HeardEvent[];
}

/** Subscribes to `topic` and calls `onEvent` for each event. */
export async function startAudience(
  url: string,
  topic: string,
  onEvent: (event: HeardEvent) => void,
): Promise<Audience> {
  const client = await connectAsync(url, { reconnectPeriod: 0 });
  const events: HeardEvent[] = [];
  client.on('message', (_, payload) => {
    const event: HeardEvent = JSON.parse(payload.toString());
    events.push(event);
    onEvent(event);
  });
  await client.subscribeAsync(topic, { qos: 1 });
  return { events, [Symbol.asyncDispose]: () => client.endAsync() };
}
