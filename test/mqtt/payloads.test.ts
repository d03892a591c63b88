import t from 'tap';
import { createWallTime } from '../../src/base/clock.js';
import { eventBody, healthBody, stateBody } from '../../src/mqtt/payloads.js';
import type { PresenceSnapshot } from '../../src/presence/presence.js';

const clock = {
  monotonic: 5_000,
  wall: Date.UTC(2026, 10, 23, 10, 0, 5),
  monotonicMs: () => clock.monotonic,
  wallMs: () => clock.wall,
};

function snapshot(changes: Partial<PresenceSnapshot> = {}): PresenceSnapshot {
  return { occupied: false, people: [], ambiguous: [], strangers: 0, sinceMs: 0, ...changes };
}

t.test('wall times of monotonic times do not change while NTP slews the clock', async (t) => {
  const wallTime = createWallTime(clock);
  t.equal(wallTime(0), '2026-11-23T10:00:00.000Z');
  clock.monotonic += 60_000;
  clock.wall += 60_400; // slewed by NTP
  t.equal(wallTime(0), '2026-11-23T10:00:00.000Z');
  clock.wall += 3_600_000; // set
  t.equal(wallTime(0), '2026-11-23T11:00:00.400Z');
});

t.test('the state names the people present, or is null', async (t) => {
  const wallTime = (ms: number) => String(ms);
  const ada = { person: 'ada', name: 'Ada', sinceMs: 10, as: 'seen' } as const;
  const grace = { person: 'grace', name: 'Grace', sinceMs: 20, as: 'assumed' } as const;
  t.strictSame(stateBody(null, wallTime), {
    occupied: null,
    person: null,
    people: null,
    ambiguous: null,
    strangers: null,
    count: null,
    since: null,
  });
  t.strictSame(stateBody(snapshot(), wallTime), {
    occupied: false,
    person: 'nobody',
    people: [],
    ambiguous: [],
    strangers: 0,
    count: 0,
    since: '0',
  });
  t.match(stateBody(snapshot({ occupied: true, people: [grace, ada], strangers: 1 }), wallTime), {
    person: 'grace',
    count: 3,
    strangers: 1,
    people: [
      { person: 'grace', name: 'Grace', since: '20', as: 'assumed' },
      { person: 'ada', as: 'seen' },
    ],
  });
  t.match(stateBody(snapshot({ occupied: true, strangers: 2 }), wallTime), { person: 'stranger', count: 2 });
  const doubt = { people: ['ada', 'bea'], names: ['Ada', 'Bea'], sinceMs: 15 };
  t.match(stateBody(snapshot({ occupied: true, ambiguous: [doubt] }), wallTime), {
    person: null,
    people: [],
    ambiguous: [{ people: ['ada', 'bea'], names: ['Ada', 'Bea'], since: '15' }],
    count: 1,
  });
  t.match(
    stateBody(snapshot({ occupied: true, people: [ada], ambiguous: [doubt] }), wallTime),
    { count: 1 },
    'an ambiguous face that may be the person present is not counted twice',
  );
  t.match(
    stateBody(snapshot({ occupied: true }), wallTime),
    { person: null, count: 1, people: [] },
    'a face without an identity',
  );
});

t.test('no similarity enters a payload', async (t) => {
  const wallTime = String;
  const leaky = { similarity: 0.91234, margin: 0.5, embedding: [1], score: 0.9 };
  const person = { person: 'ada', name: 'Ada', sinceMs: 0, as: 'seen', ...leaky } as const;
  const event = {
    type: 'arrived',
    person: 'ada',
    name: 'Ada',
    confidence: 'high',
    present: ['ada'],
    atMs: 0,
    movedTo: null,
    track: 1,
    ...leaky,
  } as const;
  const payloads = JSON.stringify([
    stateBody(snapshot({ occupied: true, people: [person], ...leaky }), wallTime),
    eventBody(event, wallTime, 'x'),
  ]);
  t.notMatch(payloads, /similarity|margin|embedding|score|0\.9/);
});

t.test('health has every key, with a number or null', async (t) => {
  const body = healthBody({
    fps: 4.96,
    analysedFps: 0.2549,
    search: 'reduced',
    drops: 3,
    inferenceMs: Number.NaN,
    inferenceP95Ms: null,
    temperatureCelsius: 61.23,
    throttled: null,
    underVoltage: null,
    needsPhotos: [],
    fixedFaces: 2,
    problems: [],
    model: 'mobilefacenet',
    version: '1',
    uptimeSeconds: 9.7,
  });
  t.strictSame(body, {
    fps: 5,
    analysed_fps: 0.25,
    search: 'reduced',
    drops: 3,
    inference_ms: null,
    inference_p95_ms: null,
    temperature: 61.2,
    throttled: null,
    under_voltage: null,
    fixed_faces: 2,
    needs_photos: [],
    problems: [],
    model: 'mobilefacenet',
    version: '1',
    uptime_seconds: 10,
  });
});
