// Three rooms with real stores, any edits in any order, messages lost, late, twice and out of order: in the end all rooms have the
// same people, say nothing any more, and nobody who was forgotten after everybody had heard of them is anywhere.
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { content, type HouseRoom, openRoom, saying, settle } from './house.js';
import { enrolMadeUp, madeUpTemplate } from './household.js';

t.setTimeout(300_000);

const someNames = ['Ada', 'Àdá', 'Ben', 'ben', 'Ada 2'] as const;
const room = fc.nat({ max: 2 });
const who = fc.nat({ max: 5 });
const step = fc.oneof(
  fc.record({
    type: fc.constant('enrol' as const),
    room,
    name: fc.constantFrom(...someNames),
    photos: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({ type: fc.constant('rename' as const), room, who, name: fc.constantFrom(...someNames) }),
  fc.record({
    type: fc.constantFrom('photo' as const, 'aside' as const, 'forget' as const, 'correct' as const),
    room,
    who,
  }),
  { weight: 5, arbitrary: fc.record({ type: fc.constant('hear' as const), room, message: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('fold' as const), room }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(rooms: readonly HouseRoom[], said: [string, Buffer][], at: Step, count: number): void {
  const here = rooms[at.room]!;
  const { store } = here;
  if (at.type === 'enrol') enrolMadeUp(store, at.name, at.photos);
  else if (at.type === 'fold') said.push(...saying(here));
  else if (at.type === 'hear') {
    const message = said[at.message % Math.max(1, said.length)];
    if (message !== undefined) here.people.take(...message);
  } else {
    const people = store.people();
    const person = people[at.who % Math.max(1, people.length)];
    if (person === undefined) return;
    if (at.type === 'forget') return void store.forget(person.id);
    store.change((changes) => {
      if (at.type === 'photo') changes.addTemplate(person.id, madeUpTemplate(`photo ${count}`));
      if (at.type === 'aside' && person.templates.length > 1) changes.disable([person.templates[0]!.id]);
      if (at.type === 'correct') changes.addNegativeTemplate(person.id, madeUpTemplate(`not ${count}`));
      if (at.type === 'rename' && !people.some(({ id, name }) => id !== person.id && folded(name) === folded(at.name)))
        changes.rename(person.id, at.name);
    });
  }
}

const folded = (name: string): string => name.toLowerCase();

t.test('all rooms end with the same people, whatever happened on the way', (t) => {
  const runs = Number(process.env['ROOMKIN_RUNS'] ?? 15);
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const rooms = ['attic', 'hall', 'kitchen'].map((id) => openRoom(id));
      try {
        const said: [string, Buffer][] = [];
        for (const [count, one] of steps.entries()) take(rooms, said, one, count);
        settle(rooms);
        const [first, ...others] = rooms.map(content);
        for (const other of others) if (JSON.stringify(other) !== JSON.stringify(first)) return false;

        // Whoever is forgotten now stays so, whatever is said again of all that was ever said.
        const gone = rooms[0]!.store.people()[0];
        if (gone === undefined) return true;
        for (const one of rooms) said.push(...saying(one));
        rooms[1]!.store.forget(gone.id);
        settle(rooms);
        for (const message of said) for (const one of rooms) one.people.take(...message);
        return rooms.every(({ store }) => store.people().every(({ id }) => id !== gone.id));
      } finally {
        for (const one of rooms) {
          one.close();
          rmSync(one.folder, { recursive: true });
        }
      }
    }),
    { numRuns: runs, seed: 5 },
  );
  t.pass(`${runs} runs`);
  t.end();
});
