// Brokers in the local network, found by multicast DNS. Home Assistant announces itself, and its Mosquitto app listens on the same
// machine; a broker that announces itself is found, too.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bonjour } from 'bonjour-service';

export interface FoundBroker {
  /** `mqtt://homeassistant.local:1883`. */
  readonly url: string;
  /** What announced it: `Home Assistant`. */
  readonly source: string;
}

/** How long answers are collected, and how long a port may take to open, milliseconds. */
const shippedSearchMs = 2_500;
const connectWithinMs = 1_500;

const announcements = [
  { type: 'mqtt', scheme: 'mqtt', port: null, source: 'a broker' },
  { type: 'secure-mqtt', scheme: 'mqtts', port: null, source: 'a broker with TLS' },
  { type: 'home-assistant', scheme: 'mqtt', port: 1883, source: 'Home Assistant' },
] as const;

/** Brokers that answer, the announced ones first. Never throws: without a network there are none. */
export async function findBrokers(signal: AbortSignal, searchMs = shippedSearchMs): Promise<readonly FoundBroker[]> {
  const candidates = new Map<string, FoundBroker & { readonly host: string; readonly port: number }>();
  const add = (host: string, port: number, scheme: string, source: string): void => {
    const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (!candidates.has(url)) candidates.set(url, { url, source, host, port });
  };
  const isOpen = ({ host, port }: { host: string; port: number }): Promise<boolean> => opens(host, port, signal);
  try {
    const bonjour = new Bonjour(undefined, () => {});
    try {
      for (const { type, scheme, port, source } of announcements) {
        bonjour.find({ type }, (service) => {
          // The address of the machine that answered works without a name service for .local.
          const host = service.addresses?.find((address) => /^\d+(\.\d+){3}$/.test(address)) ?? service.host;
          add(host, port ?? service.port, scheme, source);
        });
      }
      await sleep(searchMs, undefined, { signal });
    } finally {
      bonjour.destroy();
    }
  } catch {
    signal.throwIfAborted();
  }
  add('homeassistant.local', 1883, 'mqtt', 'Home Assistant');
  add('localhost', 1883, 'mqtt', 'this machine');
  const open = await Promise.all([...candidates.values()].map(async (each) => ((await isOpen(each)) ? each : null)));
  return open.filter((each) => each !== null).map(({ url, source }) => ({ url, source }));
}

function opens(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal, timeout: connectWithinMs });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
