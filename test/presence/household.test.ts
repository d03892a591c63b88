import t from 'tap';
import type { Lease } from '../../src/presence/arbitration.js';
import { firstRoom, type HouseholdView, holderOf, isWriter, moveOf, placeOf } from '../../src/presence/household.js';

const lease = (changes: Partial<Lease> = {}): Lease => ({
  as: 'seen',
  asserted: true,
  confidence: 'high',
  clock: 1,
  ageMs: 0,
  ...changes,
});
const room = (people: Record<string, Lease> = {}, watching = true) => ({
  watching,
  strangers: 0,
  people: new Map(Object.entries(people)),
});
const view = (rooms: Record<string, ReturnType<typeof room>>): HouseholdView => new Map(Object.entries(rooms));
const rooms = new Set(['hall', 'kitchen', 'study']);

t.test('a person is in the room that asserts them and outranks the others', async (t) => {
  const both = view({ kitchen: room({ ada: lease({ as: 'assumed' }) }), hall: room({ ada: lease({ clock: 2 }) }) });
  t.equal(holderOf('ada', both), 'hall', 'who sees her outranks who assumes her');
  t.equal(placeOf('ada', both, 'kitchen', rooms), 'hall');
  const yielded = view({ kitchen: room({ ada: lease({ asserted: false }) }), hall: room() });
  t.equal(holderOf('ada', yielded), null);
});

t.test('nobody is away because a camera failed', async (t) => {
  const place = (present: HouseholdView, lastKnown: string | null) => placeOf('ada', present, lastKnown, rooms);
  t.equal(place(view({ kitchen: room(), hall: room() }), 'kitchen'), 'away');
  t.equal(place(view({ kitchen: room({}, false), hall: room() }), 'kitchen'), null, 'the kitchen is paused or blind');
  t.equal(place(view({ hall: room() }), 'kitchen'), null, 'the kitchen is off');
  t.equal(place(view({ hall: room() }), 'attic'), 'away', 'the attic was retired');
  t.equal(place(view({ kitchen: room({}, false), hall: room() }), 'away'), 'away');
  t.equal(place(view({ kitchen: room({}, false) }), 'away'), null, 'no room can tell');
  t.equal(place(view({ hall: room() }), null), 'away');
});

t.test('one room writes: the holder, or the first room', async (t) => {
  const present = view({ study: room(), kitchen: room({ ada: lease() }), hall: room() });
  t.equal(firstRoom(present), 'hall');
  t.strictSame(
    [...present.keys()].filter((id) => isWriter(id, 'ada', present)),
    ['kitchen'],
  );
  t.strictSame(
    [...present.keys()].filter((id) => isWriter(id, 'ben', present)),
    ['hall'],
  );
});

t.test('moves', async (t) => {
  t.equal(moveOf('kitchen', 'hall'), 'moved');
  t.equal(moveOf('away', 'hall'), 'came_home');
  t.equal(moveOf('kitchen', 'away'), 'left_home');
  for (const [from, to] of [
    ['kitchen', 'kitchen'],
    [null, 'hall'],
    ['kitchen', null],
  ] as const)
    t.equal(moveOf(from, to), null, `${from} to ${to}`);
});
