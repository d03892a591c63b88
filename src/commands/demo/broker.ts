// Both ends of the demo's MQTT: a real broker (aedes) on a free port of the loopback interface, and a separate client, so that the
// demo prints exactly what Home Assistant would receive. Both end with the demo.
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';

export interface Broker extends AsyncDisposable {
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
}

export async function startBroker(): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}

// The audience.

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
