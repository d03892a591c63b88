// The publisher with a real Mosquitto: what other programs of the household see.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { RoomCommand } from '../../src/mqtt/commands.js';
import type { HealthReport } from '../../src/mqtt/payloads.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import {
  type Listener,
  listenTo,
  type Mosquitto,
  retainedAt,
  startMosquitto,
  waitFor,
  withoutMosquitto,
} from '../helpers/brokers.js';
import { here, memory, roomPublisher } from './room.js';

if (withoutMosquitto) {
  t.plan(0, withoutMosquitto);
  process.exit(0);
}

const nothing = {
  occupied: null,
  person: null,
  people: null,
  ambiguous: null,
  strangers: null,
  count: null,
  since: null,
};
const configTopic = 'homeassistant/device/roomkin/kitchen/config';
const health: HealthReport = {
  fps: 5,
  analysedFps: 1.04,
  search: 'full',
  drops: 0,
  inferenceMs: 40,
  inferenceP95Ms: 60,
  temperatureCelsius: null,
  throttled: null,
  underVoltage: null,
  needsPhotos: [],
  fixedFaces: 0,
  problems: [],
  model: 'm',
  version: '1',
  uptimeSeconds: 1,
};
const arrived: PresenceEvent = {
  type: 'arrived',
  person: 'ada',
  name: 'Ada',
  confidence: 'high',
  present: ['ada'],
  atMs: performance.now(),
  movedTo: null,
  track: null,
};

function last(listener: Listener, topic: string): Record<string, unknown> {
  return JSON.parse(listener.of(topic).at(-1) ?? '{}') as Record<string, unknown>;
}

async function startHouse(): Promise<{ host: Mosquitto; listener: Listener } & AsyncDisposable> {
  const host = await startMosquitto();
  const listener = await listenTo(host.url);
  return {
    host,
    listener,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}

t.jobs = 8;

t.test('state, events, pause, blindness and the end of a room are published in order', async (t) => {
  await using at = await startHouse();
  const { listener } = at;
  await using room = roomPublisher(at.host.url);
  room.people([{ id: 'ada', name: 'Ada' }]);
  room.recognition(true);
  room.leaveAfter(30);
  room.start();
  await listener.until('room/kitchen/status', 'online');
  await waitFor(() => listener.of('room/kitchen/state').length > 0);
  t.match(last(listener, 'room/kitchen/state'), nothing, 'no frame was analysed yet');
  const order = [...new Set(listener.messages.map(({ topic }) => topic))];
  t.ok(order.indexOf(configTopic) < order.indexOf('room/kitchen/status'), 'discovery comes first');
  t.ok(order.indexOf('room/kitchen/status') < order.indexOf('room/kitchen/state'), 'state comes last');

  room.camera(true);
  room.state({ occupied: false, people: [], ambiguous: [], strangers: 0, sinceMs: performance.now() });
  await waitFor(() => last(listener, 'room/kitchen/state')['person'] === 'nobody');
  room.state(here('ada'));
  room.event(arrived);
  room.health(health);
  await waitFor(
    () => listener.of('room/kitchen/person').length === 1 && listener.of('room/kitchen/health').length === 1,
  );
  t.match(last(listener, 'room/kitchen/state'), {
    occupied: true,
    person: 'ada',
    count: 1,
    people: [{ person: 'ada', as: 'seen' }],
  });
  const event = last(listener, 'room/kitchen/person');
  t.match(event, { event_type: 'arrived', person: 'ada', name: 'Ada', confidence: 'high', present: ['ada'] });
  t.match(event['at'], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  t.match(event['id'], /^[0-9a-f-]{36}$/);
  t.ok(Math.abs(Date.parse(String(event['at'])) - Date.now()) < 10_000);

  const statesBefore = listener.of('room/kitchen/state').length;
  const same = here('ada');
  room.state(same);
  room.state(same);
  room.state({ ...same });
  await sleep(100);
  t.ok(listener.of('room/kitchen/state').length <= statesBefore + 1, 'the same state is published once');

  room.recognition(false);
  await waitFor(() => last(listener, 'room/kitchen/state')['occupied'] === null);
  t.equal(listener.of('room/kitchen/recognition').at(-1), 'OFF');
  t.match(last(listener, 'room/kitchen/state'), nothing, 'paused is null');
  room.recognition(true);
  await sleep(100);
  t.match(last(listener, 'room/kitchen/state'), nothing, 'the state before the pause is not published again');
  room.state(here());
  await waitFor(() => last(listener, 'room/kitchen/state')['occupied'] === false);
  room.camera(false);
  await waitFor(() => listener.of('room/kitchen/camera').at(-1) === 'offline');
  t.match(last(listener, 'room/kitchen/state'), nothing, 'blind is null');

  const sequences = listener.of('room/kitchen/state').map((text) => (JSON.parse(text) as { seq: number }).seq);
  t.strictSame(
    sequences,
    [...sequences].sort((a, b) => a - b),
    'seq grows',
  );
  await room.stop();
  await listener.until('room/kitchen/status', 'offline');
  const retained = await retainedAt(at.host.url);
  t.strictSame(Object.keys(retained).sort(), [
    configTopic,
    'household/home/room/kitchen',
    ...['camera', 'leave_after', 'recognition', 'state', 'status'].map((name) => `room/kitchen/${name}`),
  ]);
  t.match(JSON.parse(retained['room/kitchen/state'] ?? ''), nothing);
  t.equal(retained['room/kitchen/leave_after'], '30');
});

t.test('the broker publishes offline for a room that was killed', async (t) => {
  for (const version of ['5', '4']) {
    await using at = await startHouse();
    const program = fileURLToPath(new URL('./room-child.js', import.meta.url));
    const child = spawn(process.execPath, [program, at.host.url, version], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await at.listener.until('room/kitchen/status', 'online');
    await waitFor(() => last(at.listener, 'room/kitchen/state')['person'] === 'ada');
    child.kill('SIGKILL');
    await at.listener.until('room/kitchen/status', 'offline');
    t.equal((await retainedAt(at.host.url))['room/kitchen/status'], 'offline');

    await using room = roomPublisher(at.host.url);
    room.start();
    await at.listener.until('room/kitchen/status', 'online');
    await waitFor(() => last(at.listener, 'room/kitchen/state')['person'] === null);
    t.match(last(at.listener, 'room/kitchen/state'), nothing, 'the state of the killed room is replaced');
  }
});

t.test('the room announces itself again after a birth message or a deletion of the device', async (t) => {
  await using at = await startHouse();
  const { listener } = at;
  await using room = roomPublisher(at.host.url);
  room.camera(true);
  room.start();
  await listener.until('room/kitchen/status', 'online');
  room.state(here());
  await waitFor(() => last(listener, 'room/kitchen/state')['occupied'] === false);
  const count = () => listener.of(configTopic).filter((text) => text !== '').length;
  t.equal(count(), 1);
  await Promise.all(Array.from({ length: 50 }, () => listener.say('homeassistant/status', 'online')));
  await listener.say('homeassistant/status', 'offline');
  await waitFor(() => count() === 2);
  await waitFor(() => listener.of('room/kitchen/status').length === 2);
  await sleep(1000);
  t.equal(count(), 2, 'fifty birth messages at once are answered once');
  await listener.say(configTopic, '', { retain: true });
  await waitFor(() => count() === 3);
  t.match(JSON.parse((await retainedAt(at.host.url))[configTopic] ?? '{}'), { dev: { name: 'Kitchen presence' } });
});

t.test('a forgotten person leaves the state first, then Home Assistant', async (t) => {
  await using at = await startHouse();
  const { listener } = at;
  const stored = memory();
  await using room = roomPublisher(at.host.url, { memory: stored });
  const people = [
    { id: 'ada', name: 'Ada' },
    { id: 'grace', name: 'Grace' },
  ];
  room.people(people);
  room.start();
  room.camera(true);
  room.state(here('ada', 'grace'));
  await waitFor(() => last(listener, 'room/kitchen/state')['count'] === 2);
  const begin = listener.messages.length;
  room.people(people.slice(0, 1));
  room.state(here('ada', 'grace')); // presence does not know yet
  await waitFor(() => listener.messages.slice(begin).filter(({ topic }) => topic === configTopic).length === 2);
  await sleep(100);
  const messages = listener.messages.slice(begin);
  t.equal(messages[0]?.topic, 'room/kitchen/state');
  t.notOk(messages.filter(({ topic }) => topic.endsWith('/state')).some(({ payload }) => payload.includes('grace')));
  t.equal(last(listener, 'room/kitchen/state')['person'], 'ada');
  const final = last(listener, configTopic);
  t.notOk(JSON.stringify(final).includes('grace'));
  await waitFor(() => !stored.text?.includes('grace'));
});

t.test('commands act at a limited rate, retained and invalid ones are ignored', async (t) => {
  await using at = await startHouse();
  const { listener } = at;
  await listener.say('room/kitchen/recognition/set', 'OFF', { retain: true });
  const executed: RoomCommand[] = [];
  await using room = roomPublisher(at.host.url);
  room.onCommand((command) => executed.push(command));
  room.start();
  await listener.until('room/kitchen/status', 'online');
  await sleep(300);
  t.strictSame(executed, [], 'a retained command is ignored');
  await listener.say('room/kitchen/leave_after/set', '45');
  await listener.say('room/kitchen/leave_after/set', 'rm -rf');
  await listener.say('room/kitchen/motion/set', 'ON');
  await waitFor(() => executed.length === 2);
  t.strictSame(executed, [
    { type: 'leave-after', seconds: 45 },
    { type: 'motion', on: true },
  ]);

  for (let batch = 0; batch < 20; batch += 1) {
    const payloads = Array.from({ length: 100 }, (_, n) => (n % 2 ? 'OFF' : 'ON'));
    await Promise.all(payloads.map((payload) => listener.say('room/kitchen/recognition/set', payload, { qos: 0 })));
  }
  await listener.say('room/kitchen/recognition/set', 'x'.repeat(200_000));
  await listener.say('room/kitchen/recognition/set', 'OFF');
  await sleep(1500);
  const switched = executed.filter((command) => command.type === 'recognition');
  t.ok(switched.length <= 12, `${switched.length} actions for 2001 commands`);
  t.strictSame(switched.at(-1), { type: 'recognition', on: false }, 'the last command wins');
  t.ok(room.status().connected);
});

t.test('snapshots are sent only where they are turned on', async (t) => {
  await using at = await startHouse();
  const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
  const snapshot = 'room/kitchen/snapshot';
  for (const snapshots of [false, true]) {
    const before = at.listener.messages.length;
    await using room = roomPublisher(at.host.url, { privacy: { snapshots } });
    room.start();
    await waitFor(() => room.status().connected);
    room.event(arrived, jpeg);
    room.event({ ...arrived, type: 'stranger_arrived', person: null, name: null }, jpeg);
    room.event(arrived, Buffer.alloc(1_000_000));
    const event = 'room/kitchen/person';
    const sent = () => at.listener.messages.slice(before);
    const events = () => sent().filter(({ topic }) => topic === event);
    await waitFor(() => events().length === 3);
    const order = sent()
      .map(({ topic }) => topic)
      .filter((topic) => /snapshot|\/person$/.test(topic));
    t.strictSame(
      order,
      snapshots
        ? [snapshot, `${snapshot}/arrival`, event, snapshot, `${snapshot}/stranger`, event, event]
        : [event, event, event],
    );
    t.strictSame(
      events().map(({ payload }) => JSON.parse(payload).snapshot),
      snapshots ? [`${snapshot}/arrival`, `${snapshot}/stranger`, undefined] : [undefined, undefined, undefined],
    );
    await room.stop();
  }
});
