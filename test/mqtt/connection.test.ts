// The connection with real brokers: what survives a restart, what is dropped on purpose, and how faults are reported.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type BackoffOptions, createBackoff } from '../../src/base/retry.js';
import { createMqttConnection, type MqttConnection, reconnecting } from '../../src/mqtt/connection.js';
import {
  type Broker,
  listenTo,
  retainedAt,
  startAedes,
  startMosquitto,
  startWire,
  waitFor,
  withoutMosquitto,
} from '../helpers/brokers.js';
import { broker, lines } from './room.js';

interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly retained: boolean;
}

function open(
  settings: ReturnType<typeof broker>,
  { log = lines(), reconnect = reconnecting }: { log?: ReturnType<typeof lines>; reconnect?: BackoffOptions } = {},
): { connection: MqttConnection; received: Received[]; log: ReturnType<typeof lines> } & AsyncDisposable {
  const received: Received[] = [];
  const connection = createMqttConnection(
    {
      broker: settings,
      clientId: 'roomkin-test',
      will: { topic: 'room/test/status', payload: 'offline' },
      willDelaySeconds: 1,
      subscriptions: ['room/test/set'],
      reconnect,
      onConnect: () => connection.resend(),
      onMessage: (topic, payload, retained) => received.push({ topic, payload: payload.toString(), retained }),
    },
    log.log,
  );
  connection.keep('room/test/status', 'online');
  return { connection, received, log, [Symbol.asyncDispose]: () => connection.stop([['room/test/status', 'offline']]) };
}

t.jobs = 16;

t.test('the delay grows, is scattered and stays bearable', async (t) => {
  const delays = (count: number, chance: number): number[] => {
    const backoff = createBackoff({ ...reconnecting, random: () => chance });
    return Array.from({ length: count }, () => backoff.failed());
  };
  t.strictSame(delays(6, 0.5), [500, 1000, 2000, 3000, 3000, 3000]);
  t.equal(delays(1000, 0.5).at(-1), 3000);
  t.equal(delays(1, 0)[0], 375);
  t.ok(delays(9, 0.999).at(-1)! <= 4_000, 'a broker that comes back is found within 5 s');
});

const brokers: readonly (readonly [string, string | false, () => Promise<Broker>, persists: boolean])[] = [
  ['Mosquitto', withoutMosquitto, () => startMosquitto(), false],
  ['Mosquitto with persistence', withoutMosquitto, () => startMosquitto({ persistence: true }), true],
  ['aedes', false, () => startAedes(), false],
];
for (const [name, skip, start, persists] of brokers) {
  t.test(`${name} is restarted`, { skip }, async (t) => {
    await using host = await start();
    await using room = open(broker(host.url));
    room.connection.keep('room/test/state', '1');
    room.connection.start();
    await waitFor(() => room.connection.status().connected);
    t.match(await retainedAt(host.url), { 'room/test/status': 'online', 'room/test/state': '1' });
    t.ok(room.connection.send('room/test/event', 'while connected', 1));

    await host.stop();
    await waitFor(() => !room.connection.status().connected);
    room.connection.keep('room/test/state', '2');
    room.connection.keep('room/test/state', '3');
    t.notOk(room.connection.send('room/test/event', 'while away', 1));
    t.equal(room.connection.status().dropped, 1);
    t.type(room.connection.status().fault, 'string');

    await host.start();
    if (!persists) t.strictSame(await retainedAt(host.url), {}, 'the broker lost all retained messages');
    await using listener = await listenTo(host.url);
    await waitFor(() => room.connection.status().connected);
    await listener.until('room/test/state', '3');
    await sleep(200);
    t.match(await retainedAt(host.url), { 'room/test/status': 'online', 'room/test/state': '3' });
    t.notOk(
      listener.messages.some(({ topic }) => topic === 'room/test/event'),
      'no event from the interruption is sent later',
    );
    t.equal(room.connection.status().connects, 2);
  });
}

t.test('a room that starts before the broker connects later', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto();
  await host.stop();
  await using room = open(broker(host.url));
  room.connection.start();
  await waitFor(() => room.connection.status().fault !== null);
  t.match(room.connection.status().fault, /nobody listens there/);
  const logged = (level: string) => room.log.all.filter((line) => line.startsWith(level)).length;
  await waitFor(() => logged('debug') >= 2);
  t.equal(logged('warning'), 1, 'one warning, not one per try');
  await host.start();
  await waitFor(() => room.connection.status().connected);
});

t.test('the room reconnects after each of six interruptions', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto();
  await using wire = await startWire(host.port);
  await using room = open(broker(wire.url), { reconnect: { firstMs: 20, mostMs: 300, jitter: 0.25 } });
  await using listener = await listenTo(host.url);
  room.connection.start();
  for (let n = 1; n <= 6; n += 1) {
    await waitFor(() => room.connection.status().connected && room.connection.status().connects === n);
    room.connection.keep('room/test/state', String(n));
    wire.cut();
    await waitFor(() => !room.connection.status().connected);
  }
  await waitFor(() => room.connection.status().connected);
  await listener.until('room/test/state', '6');
  t.equal(listener.of('room/test/status').at(-1), 'online');
});

t.test(
  'a half-open connection is detected on both sides, because no answer comes to a ping',
  { skip: withoutMosquitto },
  async (t) => {
    await using host = await startMosquitto();
    await using wire = await startWire(host.port);
    await using room = open(broker(wire.url, { keepaliveMs: 1000 }));
    await using listener = await listenTo(host.url);
    room.connection.start();
    await listener.until('room/test/status', 'online');
    wire.freeze();
    // Messages that are published meanwhile must not make the connection seem alive.
    const chatter = setInterval(() => room.connection.send('room/test/health', '{}', 0), 500);
    try {
      await waitFor(() => !room.connection.status().connected);
      await waitFor(() => room.connection.status().fault !== null);
      t.match(room.connection.status().fault, /keepalive/i);
      await listener.until('room/test/status', 'offline');
    } finally {
      clearInterval(chatter);
    }
    wire.thaw();
    room.connection.keep('room/test/state', 'after');
    await listener.until('room/test/state', 'after');
    await listener.until('room/test/status', 'online');
  },
);

t.test('a broker without MQTT 5 is used with 3.1.1', async (t) => {
  await using host = await startAedes({
    preConnect: (_client, packet, callback) => {
      const refused = Object.assign(new Error('unacceptable protocol'), { returnCode: 1 });
      if (packet.protocolVersion === 5) callback(refused, false);
      else callback(null, true);
    },
  });
  await using room = open(broker(host.url));
  room.connection.start();
  await waitFor(() => room.connection.status().connected);
  t.equal(room.connection.status().protocol, '3.1.1');
  t.match(await retainedAt(host.url), { 'room/test/status': 'online' });
});

t.test('the setting for 3.1.1 is used from the start', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto();
  await using listener = await listenTo(host.url);
  await using room = open(broker(host.url, { protocol: 4 }));
  room.connection.start();
  await listener.until('room/test/status', 'online');
  t.equal(room.connection.status().protocol, '3.1.1');
  await room.connection.stop([['room/test/status', 'offline']]);
  await listener.until('room/test/status', 'offline');
});

t.test('answers that are not MQTT do no harm', async (t) => {
  const { createServer } = await import('node:net');
  const answers = [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    Buffer.alloc(65_536, 0xff),
    Buffer.from([0x20, 0x02, 0x00]),
  ];
  let connections = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(answers[connections++ % answers.length] ?? '');
    setTimeout(() => socket.destroy(), 50);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await using room = open(broker(`mqtt://127.0.0.1:${port}`));
  room.connection.start();
  await waitFor(() => connections >= 4);
  t.notOk(room.connection.status().connected);
  server.close();
});

t.test('retained and live messages are distinguished', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto();
  await using listener = await listenTo(host.url);
  await listener.say('room/test/set', 'old', { retain: true });
  await using room = open(broker(host.url));
  room.connection.start();
  await waitFor(() => room.received.length === 1);
  await listener.say('room/test/set', 'new');
  await waitFor(() => room.received.length === 2);
  t.strictSame(room.received, [
    { topic: 'room/test/set', payload: 'old', retained: true },
    { topic: 'room/test/set', payload: 'new', retained: false },
  ]);
});

t.test('settings that can never work are refused at the start', async (t) => {
  for (const changes of [
    { url: 'http://x' },
    { url: 'mqtt://' },
    { url: 'mqtt://host:0' },
    { url: 'mqtt://user:secret@host' },
    { certFile: '/x' },
  ]) {
    t.throws(() => open(broker('mqtt://127.0.0.1:1', changes)).connection.start(), { code: 'CONFIG_INVALID' });
  }
  t.throws(() => open(broker('mqtt://127.0.0.1:1', { passwordFile: '/nowhere/password' })).connection.start(), {
    code: 'KEY_FILE',
  });
});
