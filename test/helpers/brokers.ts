// Real brokers for tests, each on a free loopback port with its own folder: Mosquitto as a process, aedes in this process,
// a wire between client and broker that can be frozen or cut, and a listener that records a broker's messages.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes, type AedesOptions } from 'aedes';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';

/** Only a failed test waits so long. */
const patienceMs = 60_000;

/** The broker's program, or null where it is not installed. */
export const mosquittoPath: string | null =
  ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(
    (path) => existsSync(path),
  ) ?? null;

/** For tap's `skip`: the reason, or false. */
export const withoutMosquitto: string | false =
  mosquittoPath === null ? 'mosquitto is not installed (apt-get install mosquitto)' : false;

export interface Broker extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Stops the broker and breaks every connection. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

export interface Mosquitto extends Broker {
  /** Its folder: put certificates and password files there. */
  readonly folder: string;
}

/**
 * A Mosquitto on 127.0.0.1. `lines` are added to its configuration below `listener`; `FOLDER` in them is replaced by its folder.
 * `files` are written there first. `persistence` keeps retained messages over `stop` and `start`.
 */
export async function startMosquitto(
  options: { persistence?: boolean; lines?: readonly string[]; files?: Readonly<Record<string, string>> } = {},
): Promise<Mosquitto> {
  if (mosquittoPath === null) throw new Error('mosquitto is not installed');
  const program = mosquittoPath;
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-mosquitto-'));
  const port = await freePort();
  for (const [name, text] of Object.entries(options.files ?? {}))
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  const lines = options.lines ?? ['allow_anonymous true'];
  const user = process.getuid?.() === 0 ? ['user root'] : [];
  const persistence = options.persistence ? ['persistence true', `persistence_location ${folder}/`] : [];
  const config = join(folder, 'mosquitto.conf');
  const text = [...user, `listener ${port} 127.0.0.1`, ...lines, ...persistence]
    .join('\n')
    .replaceAll('FOLDER', folder);
  writeFileSync(config, `${text}\n`);
  let child: ChildProcess | null = null;
  const broker: Mosquitto = {
    port,
    folder,
    url: `mqtt://127.0.0.1:${port}`,
    async start() {
      child = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
      let errors = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        errors += chunk.toString();
      });
      await waitFor(() => (child?.exitCode === null ? canConnect(port) : Promise.reject(new Error(errors))), 10_000);
    },
    async stop() {
      const ending = child;
      child = null;
      if (ending === null || ending.exitCode !== null) return;
      ending.kill('SIGTERM');
      await new Promise((resolve) => ending.once('exit', resolve));
    },
    async [Symbol.asyncDispose]() {
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}

/** The embedded broker on 127.0.0.1; it forgets everything at `stop`. */
export async function startAedes(options: AedesOptions = {}): Promise<Broker> {
  const port = await freePort();
  let aedes: Aedes | null = null;
  let server: Server | null = null;
  const sockets = new Set<Socket>();
  const broker: Broker = {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    async start() {
      const engine = await Aedes.createBroker(options);
      aedes = engine;
      server = createServer((socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        engine.handle(socket);
      });
      await listen(server, port);
    },
    async stop() {
      const [engine, listening] = [aedes, server];
      [aedes, server] = [null, null];
      if (listening === null) return;
      const closed = new Promise((resolve) => listening.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      await new Promise<void>((resolve) => engine?.close(() => resolve()));
    },
    [Symbol.asyncDispose]: () => broker.stop(),
  };
  await broker.start();
  return broker;
}

export interface Wire extends AsyncDisposable {
  readonly url: string;
  /** Carries no more bytes and closes no connection, like a pulled cable. New connections hang too. */
  freeze(): void;
  /** Carries new connections again. Frozen connections are closed at the broker's side, not at the client's. */
  thaw(): void;
  /** Breaks every connection. */
  cut(): void;
  readonly connections: number;
}

/** A wire on 127.0.0.1 to a broker's `port`. */
export async function startWire(port: number): Promise<Wire> {
  const own = await freePort();
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    connections += 1;
    const far = connectTcp(port, '127.0.0.1');
    sockets.add(near).add(far);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      end.on('error', () => {});
      end.on('close', () => {
        sockets.delete(end);
        pairs.delete(pair);
        if (!frozen) other.destroy();
      });
    }
    if (frozen) return;
    near.pipe(far);
    far.pipe(near);
  });
  await listen(server, own);
  const each = (act: (near: Socket, far: Socket) => void) => {
    for (const [near, far] of pairs) act(near, far);
  };
  return {
    url: `mqtt://127.0.0.1:${own}`,
    freeze() {
      frozen = true;
      each((near, far) => {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      });
    },
    thaw() {
      each((_near, far) => far.destroy());
      frozen = false;
    },
    cut: () => each((near) => near.destroy()),
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export interface Carried {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: number;
}

export interface Listener extends AsyncDisposable {
  /** Everything since the start, in order. */
  readonly messages: readonly Carried[];
  /** Payloads of `topic`, in order. */
  of(topic: string): string[];
  /** Publishes as another program would. */
  say(topic: string, payload: string, options?: { retain?: boolean; qos?: 0 | 1 }): Promise<void>;
  /** Waits until the last message of `topic` is `payload`. */
  until(topic: string, payload: string, timeoutMs?: number): Promise<void>;
  readonly client: MqttClient;
}

/** A client that records every message of a broker. */
export async function listenTo(url: string, options: IClientOptions = {}): Promise<Listener> {
  const messages: Carried[] = [];
  const client = await connectAsync(url, { reconnectPeriod: 200, protocolVersion: 4, ...options });
  client.on('error', () => {});
  client.on('message', (topic, payload, packet) => {
    messages.push({ topic, payload: payload.toString(), retain: packet.retain, qos: packet.qos });
  });
  await client.subscribeAsync('#', { qos: 1 });
  const of = (topic: string) => messages.filter((message) => message.topic === topic).map(({ payload }) => payload);
  return {
    messages,
    of,
    client,
    async say(topic, payload, { retain = false, qos = 1 } = {}) {
      await client.publishAsync(topic, payload, { qos, retain });
    },
    until: (topic, payload, timeoutMs = patienceMs) =>
      waitFor(
        async () => of(topic).at(-1) === payload,
        timeoutMs,
        () => `${topic} is ${of(topic).at(-1)}, not ${payload}`,
      ),
    [Symbol.asyncDispose]: () => client.endAsync(true),
  };
}

/** A broker's retained messages by topic. */
export async function retainedAt(url: string): Promise<Record<string, string>> {
  await using listener = await listenTo(url);
  // What a broker retains it sends before a message that is published after the subscription; aedes sends it a moment later.
  await listener.say('roomkin-test/marker', '');
  await waitFor(() => listener.of('roomkin-test/marker').length > 0);
  await new Promise((resolve) => setTimeout(resolve, 150));
  return Object.fromEntries(
    listener.messages.filter(({ retain }) => retain).map(({ topic, payload }) => [topic, payload]),
  );
}

/** Waits until `condition` holds. The error quotes `what`. A rejection of `condition` ends the wait. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = patienceMs,
  what: () => string = () => 'the condition did not hold',
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port on 127.0.0.1 that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listen(server, 0);
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
