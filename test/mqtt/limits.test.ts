// Brokers that allow less than MQTT does, brokers that are half dead, and a client id that is used twice.
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createMqttConnection, explainFault, type MqttConnection } from '../../src/mqtt/connection.js';
import { limitSentences, limitsOf } from '../../src/mqtt/limits.js';
import { freePort, listenTo, startAedes, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { broker, lines } from './room.js';

function open(
  url: string,
  {
    clientId = 'roomkin-test',
    protocol = 5,
    subscriptions = ['room/test/set'],
    answerWithinMs = 10_000,
  }: {
    clientId?: string;
    protocol?: 4 | 5;
    subscriptions?: readonly string[];
    answerWithinMs?: number;
  } = {},
): { connection: MqttConnection; log: ReturnType<typeof lines> } & AsyncDisposable {
  const log = lines();
  const connection = createMqttConnection(
    {
      broker: broker(url, { protocol }),
      clientId,
      will: { topic: 'room/test/status', payload: 'offline' },
      willDelaySeconds: 1,
      subscriptions,
      readFirst: ['room/test/state'],
      reconnect: { firstMs: 20, mostMs: 100 },
      answerWithinMs,
      onConnect: () => connection.resend(),
      onMessage() {},
    },
    log.log,
  );
  connection.keep('room/test/status', 'online');
  return { connection, log, [Symbol.asyncDispose]: () => connection.stop([]) };
}

t.jobs = 8;

/** A broker that accepts connections, answers pings and subscriptions, and never acknowledges a message. */
async function startDeafBroker(): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let packet = nextPacket(buffer); packet !== null; packet = nextPacket(buffer)) {
        buffer = buffer.subarray(packet.length);
        const type = packet[0]! >> 4;
        if (type === 1) socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
        if (type === 8) socket.write(Buffer.from([0x90, 4, packet[2]!, packet[3]!, 0, 1]));
        if (type === 10) socket.write(Buffer.from([0xb0, 4, packet[2]!, packet[3]!, 0, 0]));
        if (type === 12) socket.write(Buffer.from([0xd0, 0]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first whole packet; its remaining length must fit into two bytes. */
function nextPacket(buffer: Buffer): Buffer | null {
  if (buffer.length < 2) return null;
  const isLong = buffer[1]! >= 128;
  if (isLong && buffer.length < 3) return null;
  const length = isLong ? 3 + (buffer[1]! & 127) + 128 * buffer[2]! : 2 + buffer[1]!;
  return buffer.length < length ? null : buffer.subarray(0, length);
}

t.test('a broker that never acknowledges a message is never called connected', async (t) => {
  await using host = await startDeafBroker();
  await using room = open(host.url, { answerWithinMs: 300 });
  const seen = new Set<boolean>();
  const timer = setInterval(() => seen.add(room.connection.status().connected), 5);
  room.connection.start();
  await waitFor(() => room.connection.status().connects >= 3);
  clearInterval(timer);
  t.strictSame([...seen], [false]);
  t.match(room.connection.status().fault, /does not acknowledge messages: restart the broker/);
  t.equal(room.log.all.filter((line) => line.startsWith('warning')).length, 1, 'one warning, not one per try');
});

for (const protocol of [5, 4] as const)
  t.test(
    `two programs with one client id back off by minutes and say so (${protocol})`,
    { skip: withoutMosquitto },
    async (t) => {
      await using host = await startMosquitto();
      await using first = open(host.url, { protocol });
      await using second = open(host.url, { protocol });
      first.connection.keep('room/test/state', 'of the first');
      second.connection.keep('room/test/state', 'of the second');
      first.connection.start();
      second.connection.start();
      const namesIt = (room: typeof first) =>
        room.log.all.some((line) => /warning.*uses the client id roomkin-test.*room\.id/.test(line));
      await waitFor(() => namesIt(first) || namesIt(second));
      await sleep(1000);
      const connects = () => first.connection.status().connects + second.connection.status().connects;
      const before = connects();
      t.ok(before <= 10, `${before} connections until both backed off`);
      await sleep(2000);
      t.equal(connects(), before, 'no more connections for minutes');
      const backedOff = [first, second].filter((room) => !room.connection.status().connected);
      t.ok(backedOff.length >= 1);
      for (const { connection } of backedOff) {
        t.match(connection.status().fault, /next try in \d+ s/);
        t.match(connection.status().warnings, [/uses the client id roomkin-test: give each Pi its own room.id/]);
      }
    },
  );

t.test(
  'a broker without retained messages is used without them, after one warning',
  { skip: withoutMosquitto },
  async (t) => {
    await using host = await startMosquitto({ lines: ['allow_anonymous true', 'retain_available false'] });
    await using listener = await listenTo(host.url);
    await using room = open(host.url);
    room.connection.start();
    await waitFor(() => room.connection.status().connected);
    await listener.until('room/test/status', 'online');
    room.connection.keep('room/test/state', '1');
    await listener.until('room/test/state', '1');
    t.equal(room.connection.status().connects, 1);
    t.match(room.connection.status().warnings, [/keeps no retained messages.*retain_available/]);
    t.equal(room.log.all.filter((line) => line.startsWith('warning')).length, 1, 'one warning');
  },
);

t.test('a broker that takes QoS 0 only', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto({ lines: ['allow_anonymous true', 'max_qos 0'] });
  await using listener = await listenTo(host.url);
  await using room = open(host.url);
  room.connection.start();
  await waitFor(() => room.connection.status().connected);
  await listener.until('room/test/status', 'online');
  t.ok(room.connection.send('room/test/event', 'x', 1));
  await listener.until('room/test/event', 'x');
  t.match(room.connection.status().warnings, [/QoS 0.*max_qos/]);
  t.equal(room.connection.status().connects, 1);
});

t.test('a broker with small packets gets what fits', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto({ lines: ['allow_anonymous true', 'max_packet_size 400'] });
  await using listener = await listenTo(host.url);
  await using room = open(host.url);
  room.connection.start();
  await waitFor(() => room.connection.status().connected);
  t.equal(await room.connection.deliver('room/test/large', 'x'.repeat(500)), false);
  t.equal(await room.connection.deliver('room/test/small', 'x'.repeat(300)), true);
  t.match(room.connection.status(), { connects: 1, warnings: [/at most 400 bytes.*max_packet_size/] });
  t.equal(listener.of('room/test/large').length, 0);
});

t.test('a broker that takes one message at a time gets all of them in order', { skip: withoutMosquitto }, async (t) => {
  await using host = await startMosquitto({ lines: ['allow_anonymous true', 'max_inflight_messages 1'] });
  await using listener = await listenTo(host.url);
  await using room = open(host.url);
  room.connection.start();
  await waitFor(() => room.connection.status().connected);
  const numbers = Array.from({ length: 60 }, (_, n) => String(n));
  const delivered = await Promise.all(numbers.map((n) => room.connection.deliver('room/test/n', n)));
  t.ok(delivered.every(Boolean));
  await listener.until('room/test/n', '59');
  t.strictSame(listener.of('room/test/n'), numbers);
  t.equal(room.connection.status().connects, 1);
});

t.test('a broker without wildcard subscriptions', async (t) => {
  const limits = limitsOf({ properties: { wildcardSubscriptionAvailable: false } });
  t.equal(limits.wildcards, false);
  t.match(limitSentences(limits), [/rooms do not hear from each other/]);
  t.strictSame(limitSentences(limitsOf({})), []);
});

t.test('an hour without a broker and 500 changes: the right state within 5 s, each value once', async (t) => {
  await using host = await startAedes();
  await using listener = await listenTo(host.url);
  await using room = open(host.url);
  room.connection.start();
  await waitFor(() => room.connection.status().connected);
  await host.stop();
  await waitFor(() => !room.connection.status().connected);
  for (let n = 1; n <= 500; n += 1) room.connection.keep('room/test/state', String(n));
  const startMs = performance.now();
  await host.start();
  await using again = await listenTo(host.url);
  await again.until('room/test/state', '500');
  t.comment(`right after ${Math.round(performance.now() - startMs)} ms`);
  await sleep(300);
  t.strictSame(
    again.of('room/test/state').filter((value) => value !== '500'),
    [],
    'no burst of old values',
  );
  t.ok(listener.messages.length < 20);
});

t.test('every reason code of MQTT 5 has a sentence', async (t) => {
  // The codes of section 2.4 from 128 on, less those of version 3 and of authentication exchanges (24, 25).
  const codes = [
    ...Array.from({ length: 18 }, (_, n) => 128 + n),
    147,
    148,
    149,
    150,
    151,
    152,
    153,
    154,
    155,
    156,
    157,
    158,
    159,
    160,
    161,
    162,
  ];
  for (const code of codes) {
    const { text } = explainFault({ code });
    t.notMatch(text, /refused \(reason/, String(code));
  }
  for (const code of [4, 5, 134, 135]) t.match(explainFault({ code }).text, /wrong user name or password/);
});
