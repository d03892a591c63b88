// Two and more rooms that agree on where somebody is, told step by step; then the invariants on random walks.
import t from 'tap';
import {
  noLeases,
  withoutAsserted,
  leasesOf,
  type HouseholdLeases,
  receiveLeases,
  outranks,
  type Rank,
  type RoomLeases,
  reconnected,
  assertPresent,
  arbitrate,
  silentAfterMs,
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
  /** Looks at `atMs` (confidence, age of the look): gives whom it let go of or does not take, as `ada→hall`. */
  look(atMs: number, seen?: Readonly<Record<string, readonly ['high' | 'medium', number]>>): string[];
  leaves(person: string): void;
  hears(other: TestRoom, atMs: number): boolean;
  claims(atMs: number): RoomLeases;
  change(next: (household: HouseholdLeases) => HouseholdLeases): void;
}

/** A room that keeps whom it says until it lets go; its clock runs `clockMs` before the house's. */
function room(id: string, clockMs = 0): TestRoom {
  let household: HouseholdLeases = noLeases(id);
  const present = new Set<string>();
  return {
    id,
    present,
    look(atMs, seen = {}) {
      const sightings = Object.entries(seen).map(([person, [confidence, agoMs]]) => ({ person, confidence, agoMs }));
      const step = arbitrate(household, sightings, new Set(present), atMs + clockMs);
      for (const person of Object.keys(seen)) present.add(person);
      for (const person of step.elsewhere.keys()) present.delete(person);
      household = assertPresent(step.household, present, names, step.elsewhere);
      return [...step.elsewhere].map(([person, place]) => `${person}→${place}`);
    },
    leaves(person) {
      present.delete(person);
    },
    hears(other, atMs) {
      const heard = receiveLeases(household, other.id, other.claims(atMs), atMs + clockMs);
      household = heard.household;
      return heard.answer;
    },
    claims: (atMs) => leasesOf(household, atMs + clockMs),
    change(next) {
      household = next(household);
    },
  };
}

/** Each hears the other, until there is nothing to answer. */
function talk(a: TestRoom, b: TestRoom, atMs: number): void {
  for (let n = 0; n < 4; n++) {
    const answers = [a.hears(b, atMs), b.hears(a, atMs)];
    if (!answers.includes(true)) return;
  }
  throw new Error('they never stop talking');
}

t.test('an assumed person is let go of at once, though the clocks are minutes apart', async (t) => {
  const kitchen = room('kitchen', 0);
  const hall = room('hall', 8_000_000);
  kitchen.look(0, { ada: ['high', 0] });
  talk(kitchen, hall, 100);
  kitchen.look(30_000);
  t.equal(kitchen.claims(30_000).people.get('ada')?.as, 'assumed');
  talk(kitchen, hall, 30_000);
  t.strictSame(hall.look(31_000, { ada: ['medium', 0] }), []);
  talk(kitchen, hall, 31_000);
  t.strictSame(kitchen.look(31_000), ['ada→hall']);
  t.strictSame([...kitchen.present, ...hall.present], ['ada']);
  t.notOk(kitchen.claims(31_000).people.has('ada'), 'and nothing is claimed of her any more');
});

t.test('a seen person is let go of only for newer or stronger evidence', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  kitchen.look(0, { ada: ['high', 0] });
  talk(kitchen, hall, 0);
  t.strictSame(hall.look(100, { ada: ['medium', 0] }), ['ada→kitchen'], 'weaker: she does not arrive');
  talk(kitchen, hall, 100);
  t.strictSame(kitchen.look(200, { ada: ['high', 0] }), []);
  t.strictSame(hall.look(300, { ada: ['high', 0] }), ['ada→kitchen'], 'as strong: who has her keeps her');
  kitchen.look(900, { ada: ['high', 700] });
  talk(kitchen, hall, 900);
  t.strictSame(hall.look(900, { ada: ['high', 0] }), [], 'newer');
  talk(kitchen, hall, 900);
  t.strictSame(kitchen.look(1000, { ada: ['high', 800] }), ['ada→hall']);
  talk(kitchen, hall, 1000);
  t.strictSame(kitchen.look(1100, { ada: ['high', 0] }), ['ada→hall'], 'no going back for one look');
});

t.test('nobody yields to a room that does not say the person, or has not heard us', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  kitchen.look(0, { ada: ['medium', 0] });
  hall.look(0, { ada: ['high', 0] });
  kitchen.hears(hall, 50);
  t.strictSame(kitchen.look(100, { ada: ['medium', 0] }), [], 'the hall has not heard of us');
  hall.hears(kitchen, 150);
  kitchen.hears(hall, 200);
  t.strictSame(kitchen.look(250, { ada: ['medium', 0] }), ['ada→hall'], 'now it has');

  const cellar = room('cellar');
  cellar.look(0, { ada: ['medium', 0] });
  const deaf = room('deaf');
  deaf.look(0, { ada: ['high', 0] });
  cellar.hears(deaf, 0);
  t.strictSame(cellar.look(100, { ada: ['medium', 0] }), []);
  t.strictSame(cellar.look(1200, { ada: ['medium', 0] }), []);
  t.strictSame(cellar.look(1300, { ada: ['medium', 0] }), ['ada→deaf'], 'patience with a room that hears nobody ends');
});

t.test('a room that falls silent has nobody any more', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  hall.look(0, { ada: ['high', 0] });
  talk(kitchen, hall, 0);
  t.strictSame(kitchen.look(100, { ada: ['medium', 0] }), ['ada→hall']);
  kitchen.change((before) => withoutSilentRooms(before, silentAfterMs));
  t.strictSame(kitchen.look(silentAfterMs, { ada: ['medium', 0] }), ['ada→hall']);
  kitchen.change((before) => withoutSilentRooms(before, silentAfterMs + 1));
  t.strictSame(kitchen.look(silentAfterMs + 1, { ada: ['medium', 0] }), []);
  t.ok(kitchen.present.has('ada'));
});

t.test('a room that was cut off neither holds nor steals', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  kitchen.look(0, { ada: ['high', 0], ben: ['high', 0] });
  // Cut off: Ada goes through the hall and out of the house, Ben into the hall.
  kitchen.look(5_000);
  hall.look(60_000, { ada: ['high', 0], ben: ['high', 0] });
  hall.leaves('ada');
  hall.look(200_000, { ben: ['high', 0] });
  kitchen.change(reconnected);
  talk(kitchen, hall, 200_000);
  t.strictSame(kitchen.look(200_100).sort(), ['ada→hall', 'ben→hall'], 'the hall saw her later, though she is gone');

  // Cut off again, both see Ben (one is wrong): the room that stayed keeps him.
  kitchen.change((before) => withoutSilentRooms(before, 300_000));
  hall.change((before) => withoutSilentRooms(before, 300_000));
  t.strictSame(kitchen.look(300_000, { ben: ['high', 0] }), []);
  hall.look(300_000, { ben: ['high', 0] });
  kitchen.change(reconnected);
  talk(kitchen, hall, 300_100);
  t.strictSame(hall.look(300_200, { ben: ['high', 0] }), []);
  talk(kitchen, hall, 300_200);
  t.strictSame(kitchen.look(300_300, { ben: ['high', 0] }), ['ben→hall']);
});

t.test('a blind room says nobody, and a face that was another room’s is no sighting', async (t) => {
  const kitchen = room('kitchen');
  const hall = room('hall');
  hall.look(0, { ada: ['high', 0] });
  talk(kitchen, hall, 0);
  kitchen.look(100, { ada: ['medium', 0], ben: ['high', 0] });
  kitchen.look(3000);
  t.strictSame([...kitchen.claims(3000).people.keys()], ['ben']);
  kitchen.change(withoutAsserted);
  t.match(kitchen.claims(3000).people.get('ben'), { as: 'gone', says: false, ageMs: 2900 });
});

t.test('who is forgotten is claimed no more', async (t) => {
  const kitchen = room('kitchen');
  kitchen.look(0, { ada: ['high', 0] });
  kitchen.change((before) => assertPresent(before, new Set(['ada']), new Map(), new Map()));
  t.equal(kitchen.claims(0).people.size, 0);
});

t.test('invented rooms cost no memory', async (t) => {
  const kitchen = room('kitchen');
  for (let n = 0; n < 1000; n++) kitchen.hears(room(`room${n}`), n);
  t.equal(kitchen.claims(1000).acknowledged.size, 32);
});

t.test('the order of claims is total', async (t) => {
  const all = (['seen', 'fading', 'assumed'] as const).flatMap((as) =>
    (['high', 'medium'] as const).flatMap((confidence) =>
      [1, 2].flatMap((turn) => ['a', 'b'].map((id): Rank => ({ as, confidence, clock: turn, room: id }))),
    ),
  );
  for (const a of all) {
    for (const b of all) {
      if (outranks(a, b) === outranks(b, a) && a !== b) t.fail(`${JSON.stringify(a)} and ${JSON.stringify(b)}`);
      for (const c of all) if (outranks(a, b) && outranks(b, c) && !outranks(a, c)) t.fail('not transitive');
    }
  }
});

const walks = Number(process.env['ROOMKIN_WALKS'] ?? 200);
t.test(`one person, one place in ${walks} random walks through five rooms`, async (t) => {
  const worst = worstOf(walks, 20261123);
  t.comment(JSON.stringify(worst));
  t.ok(worst.twoSeenMs <= 2000, `two rooms said seen for ${worst.twoSeenMs} ms at most`);
  t.ok(worst.twoPlacesMs <= 2000, `a second room kept somebody who was seen elsewhere for ${worst.twoPlacesMs} ms`);
  t.equal(worst.noneMs, 0, 'whoever is seen is said');
  t.ok(worst.noneAfterFaultMs <= silentAfterMs + 500, `after a room was lost within ${worst.noneAfterFaultMs} ms`);
  t.ok(worst.moves > walks, 'people did move');
});
