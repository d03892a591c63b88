import t from 'tap';
import type { RetainedValue } from '../../src/mqtt/connection.js';
import { earlierPresence } from '../../src/mqtt/earlier.js';

const topics = { state: 'room/lab/state', status: 'room/lab/status' };
const since = '2026-11-29T10:00:00.000Z';
const people = [{ person: 'ada', name: 'Ada', since, as: 'seen' }];
const nothing = { occupied: null, person: null, people: null, strangers: null, count: null, since: null };
const nowMs = Date.parse('2026-11-29T12:00:00.000Z');
const dayMs = 86_400_000;

function read(state: unknown, status: string | null, ageMs: number | null, machineUpMs = dayMs) {
  const values = new Map<string, RetainedValue>();
  const text = typeof state === 'string' ? state : JSON.stringify(state);
  values.set(topics.state, { payload: Buffer.from(text), ageMs: null });
  if (status !== null) values.set(topics.status, { payload: Buffer.from(status), ageMs });
  return earlierPresence(values, topics, nowMs, machineUpMs);
}

t.test('a run that was killed: its state, and the time of the will', async (t) => {
  const state = { occupied: true, people, strangers: 0, since, seq: 4 };
  t.strictSame(read(state, 'offline', 7000), {
    people: [{ person: 'ada', sinceWallMs: Date.parse(since) }],
    sinceWallMs: Date.parse(since),
    ageMs: 7000,
  });
  t.match(read(state, 'offline', 7000, 20_000), { ageMs: 7000 }, 'the broker knows, also after a start of the machine');
  t.match(read(state, 'offline', null), { ageMs: null }, 'MQTT 3.1.1 does not tell');
  t.match(read(state, 'online', null), { ageMs: 0 }, 'the broker has not noticed it yet');
  t.match(read(state, 'online', null, 30_000), { ageMs: null }, 'both may have been without power');
});

t.test('a run that ended by itself: its farewell', async (t) => {
  const state = { ...nothing, seq: 5, before: { people, since, at: '2026-11-29T11:59:50.000Z' } };
  t.match(read(state, 'offline', 9000), { people: [{ person: 'ada' }], ageMs: 9000 });
  t.match(read(state, 'offline', null), { ageMs: 10_000 }, 'the clocks tell where the broker does not');
  t.match(read(state, 'offline', null, 60_000), { ageMs: null }, 'the clock may be wrong after a start of the machine');
  const later = { ...state, before: { people, since, at: '2026-11-30T00:00:00Z' } };
  t.match(read(later, 'offline', null), { ageMs: null }, 'the clock was set back');
});

t.test('nobody, a pause, and damaged values give nothing', async (t) => {
  t.equal(read(nothing, 'offline', 1000), null);
  t.equal(read({ occupied: false, people: [], since }, 'offline', 1000), null);
  t.equal(read({ occupied: true, people, since }, null, null), null);
  for (const damaged of [
    '',
    '{',
    '[]',
    'null',
    '{"people":[{"person":1}],"since":"x"}',
    '{"people":[{"person":"ada","since":"?"}]}',
  ])
    t.equal(read(damaged, 'offline', 1000), null, damaged);
});
