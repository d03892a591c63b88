// Two or more rooms agree on where a person is: first step by step, then as invariants on random walks.
import t from 'tap';
import {
  arbitrate,
  assertPresent,
  type HouseholdLeases,
  leasesOf,
  noLeases,
  outranks,
  type Rank,
  type RoomLeases,
  receiveLeases,
  reconnected,
  silentAfterMs,
  withoutAsserted,
  withoutSilentRooms,
} from '../../src/presence/arbitration.js';
import { worstOf } from './household-walks.js';

const names = new Map([
  ['ada', 'Ada'],
  ['ben', 'Ben'],
]);

interface TestRoom {
  readonly id: string;
  readonly present: ReadonlySet<string>;
  /**
   * Takes in a frame at `atMs` with these people (confidence, age in ms). Gives the people yielded to other rooms, as
   * `ada→hall`.
   */
  frame(atMs: number, seen?: Readonly<Record<string, readonly ['high' | 'medium', number]>>): string[];
  leaves(person: string): void;
  /** Receives the leases of `other`; whether it must answer. */
  receives(other: TestRoom, atMs: number): boolean;
  leases(atMs: number): RoomLeases;
  change(next: (household: HouseholdLeases) => HouseholdLeases): void;
}

/** A room that keeps everybody present until it yields them; its clock is `clockMs` ahead of the house's. */
function room(id: string, clockMs = 0): TestRoom {
  let household: HouseholdLeases = noLeases(id);
  const present = new Set<string>();
  return {
    id,
    present,
    frame(atMs, seen = {}) {
      const sightings = Object.entries(seen).map(([person, [confidence, agoMs]]) => ({ person, confidence, agoMs }));
      const step = arbitrate(household, sightings, new Set(present), atMs + clockMs);
      for (const person of Object.keys(seen)) present.add(person);
      for (const person of step.elsewhere.keys()) present.delete(person);
      household = assertPresent(step.household, present, names, step.elsewhere);
      return [...step.elsewhere].map(([person, otherRoom]) => `${person}→${otherRoom}`);
    },
    leaves(person) {
      present.delete(person);
    },
    receives(other, atMs) {
      const received = receiveLeases(household, other.id, other.leases(atMs), atMs + clockMs);
      household = received.household;
      return received.answer;
    },
    leases: (atMs) => leasesOf(household, atMs + clockMs),
    change(next) {
      household = next(household);
    },
  };
}

/** Each room receives the other until neither must answer. */
function exchange(a: TestRoom, b: TestRoom, atMs: number): void {
  for (let n = 0; n < 4; n++) {
    const answers = [a.receives(b, atMs), b.receives(a, atMs)];
    if (!answers.includes(true)) return;
  }
  throw new Error('the rooms never stop answering');
}

t.test('an assumed person is yielded at once, although the clocks differ by minutes', async (t) => {
  const kitchen = room('kitchen', 0);
  const hall = room('hall', 8_000_000);
  kitchen.frame(0, { ada: ['high', 0] });
  exchange(kitchen, hall, 100);
  kitchen.frame(30_000);
  t.equal(kitchen.leases(30_000).people.get('ada')?.as, 'assumed');
  exchange(kitchen, hall, 30_000);
  t.strictSame(hall.frame(31_000, { ada: ['medium', 0] }), []);
  exchange(kitchen, hall, 31_000);
  t.strictSame(kitchen.frame(31_000), ['ada→hall']);
  t.strictSame([...kitchen.present, ...hall.present], ['ada']);
  t.notOk(kitchen.leases(31_000).people.has('ada'), 'the kitchen has no lease for her any more');
});

t.test('a seen person is yielded only to a fresher or more confident lease', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  kitchen.frame(0, { ada: ['high', 0] });
  exchange(kitchen, hall, 0);
  t.strictSame(hall.frame(100, { ada: ['medium', 0] }), ['ada→kitchen'], 'less confident: she does not arrive');
  exchange(kitchen, hall, 100);
  t.strictSame(kitchen.frame(200, { ada: ['high', 0] }), []);
  t.strictSame(
    hall.frame(300, { ada: ['high', 0] }),
    ['ada→kitchen'],
    'equally confident: the room that has her keeps her',
  );
  kitchen.frame(900, { ada: ['high', 700] });
  exchange(kitchen, hall, 900);
  t.strictSame(hall.frame(900, { ada: ['high', 0] }), [], 'fresher');
  exchange(kitchen, hall, 900);
  t.strictSame(kitchen.frame(1000, { ada: ['high', 800] }), ['ada→hall']);
  exchange(kitchen, hall, 1000);
  t.strictSame(kitchen.frame(1100, { ada: ['high', 0] }), ['ada→hall'], 'one observation does not bring her back');
});

t.test(
  'a room does not yield to one that does not assert the person, or has not acknowledged its leases',
  async (t) => {
    const kitchen = room('kitchen');
    const hall = room('hall');
    kitchen.frame(0, { ada: ['medium', 0] });
    hall.frame(0, { ada: ['high', 0] });
    kitchen.receives(hall, 50);
    t.strictSame(kitchen.frame(100, { ada: ['medium', 0] }), [], 'the hall has not acknowledged the kitchen');
    hall.receives(kitchen, 150);
    kitchen.receives(hall, 200);
    t.strictSame(kitchen.frame(250, { ada: ['medium', 0] }), ['ada→hall'], 'now it has');

    const cellar = room('cellar');
    cellar.frame(0, { ada: ['medium', 0] });
    const deaf = room('deaf');
    deaf.frame(0, { ada: ['high', 0] });
    cellar.receives(deaf, 0);
    t.strictSame(cellar.frame(100, { ada: ['medium', 0] }), []);
    t.strictSame(cellar.frame(1200, { ada: ['medium', 0] }), []);
    t.strictSame(cellar.frame(1300, { ada: ['medium', 0] }), ['ada→deaf'], 'the wait for an acknowledgement ends');
  },
);

t.test('a room that falls silent loses its leases', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  hall.frame(0, { ada: ['high', 0] });
  exchange(kitchen, hall, 0);
  t.strictSame(kitchen.frame(100, { ada: ['medium', 0] }), ['ada→hall']);
  kitchen.change((before) => withoutSilentRooms(before, silentAfterMs));
  t.strictSame(kitchen.frame(silentAfterMs, { ada: ['medium', 0] }), ['ada→hall']);
  kitchen.change((before) => withoutSilentRooms(before, silentAfterMs + 1));
  t.strictSame(kitchen.frame(silentAfterMs + 1, { ada: ['medium', 0] }), []);
  t.ok(kitchen.present.has('ada'));
});

t.test('a room that was disconnected neither keeps nor takes anybody', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  kitchen.frame(0, { ada: ['high', 0], ben: ['high', 0] });
  // The kitchen is disconnected. Ada goes through the hall and out of the house, Ben into the hall.
  kitchen.frame(5_000);
  hall.frame(60_000, { ada: ['high', 0], ben: ['high', 0] });
  hall.leaves('ada');
  hall.frame(200_000, { ben: ['high', 0] });
  kitchen.change(reconnected);
  exchange(kitchen, hall, 200_000);
  t.strictSame(
    kitchen.frame(200_100).sort(),
    ['ada→hall', 'ben→hall'],
    'the hall saw her later, although she has left',
  );

  // Disconnected again. Both rooms see Ben (one is wrong): the room that stayed connected keeps him.
  kitchen.change((before) => withoutSilentRooms(before, 300_000));
  hall.change((before) => withoutSilentRooms(before, 300_000));
  t.strictSame(kitchen.frame(300_000, { ben: ['high', 0] }), []);
  hall.frame(300_000, { ben: ['high', 0] });
  kitchen.change(reconnected);
  exchange(kitchen, hall, 300_100);
  t.strictSame(hall.frame(300_200, { ben: ['high', 0] }), []);
  exchange(kitchen, hall, 300_200);
  t.strictSame(kitchen.frame(300_300, { ben: ['high', 0] }), ['ben→hall']);
});

t.test('a blind room asserts nobody, and a person who was yielded leaves no lease', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  hall.frame(0, { ada: ['high', 0] });
  exchange(kitchen, hall, 0);
  kitchen.frame(100, { ada: ['medium', 0], ben: ['high', 0] });
  kitchen.frame(3000);
  t.strictSame([...kitchen.leases(3000).people.keys()], ['ben']);
  kitchen.change(withoutAsserted);
  t.match(kitchen.leases(3000).people.get('ben'), { as: 'gone', asserted: false, ageMs: 2900 });
});

t.test('the lease of a forgotten person ends', async (t) => {
  const kitchen = room('kitchen');
  kitchen.frame(0, { ada: ['high', 0] });
  kitchen.change((before) => assertPresent(before, new Set(['ada']), new Map(), new Map()));
  t.equal(kitchen.leases(0).people.size, 0);
});

t.test('the number of other rooms is bounded', async (t) => {
  const kitchen = room('kitchen');
  for (let n = 0; n < 1000; n++) kitchen.receives(room(`room${n}`), n);
  t.equal(kitchen.leases(1000).acknowledged.size, 32);
});

t.test('the order of leases is total', async (t) => {
  const all = (['seen', 'fading', 'assumed'] as const).flatMap((as) =>
    (['high', 'medium'] as const).flatMap((confidence) =>
      [1, 2].flatMap((clock) => ['a', 'b'].map((id): Rank => ({ as, confidence, clock, room: id }))),
    ),
  );
  for (const a of all) {
    for (const b of all) {
      if (outranks(a, b) === outranks(b, a) && a !== b) t.fail(`${JSON.stringify(a)} and ${JSON.stringify(b)}`);
      for (const c of all) if (outranks(a, b) && outranks(b, c) && !outranks(a, c)) t.fail('not transitive');
    }
  }
});

const walks = Number(process.env['ROOMKIN_WALKS'] ?? 60);
t.test(`one person, one place in ${walks} random walks through five rooms`, async (t) => {
  const worst = worstOf(walks, 20261123);
  t.comment(JSON.stringify(worst));
  t.ok(worst.twoSeenMs <= 2000, `two rooms published \`seen\` for ${worst.twoSeenMs} ms at most`);
  t.ok(worst.twoPlacesMs <= 2000, `a second room kept a person seen elsewhere for ${worst.twoPlacesMs} ms at most`);
  t.equal(worst.noneMs, 0, 'every person who is seen is published');
  t.ok(worst.noneAfterFaultMs <= silentAfterMs + 500, `after a fault within ${worst.noneAfterFaultMs} ms`);
  t.ok(worst.moves > walks, 'people moved between rooms');
});
