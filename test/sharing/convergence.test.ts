// Three rooms with real stores. Edits happen in any order; messages are lost, late, duplicated and out of order. In the end all rooms have
// the same people and publish nothing more, and a person who was forgotten after every room knew them is in no room.
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { type Step as HistoryStep, play } from './histories.js';
import { content, type HouseRoom, messagesOf, openRoom, settle } from './house.js';
import { enrolMadeUp, madeUpTemplate } from './household.js';

t.setTimeout(300_000);

const someNames = ['Ada', 'Àdá', 'Ben', 'ben', 'Ada 2'] as const;
const room = fc.nat({ max: 2 });
const personIndex = fc.nat({ max: 5 });
const step = fc.oneof(
  fc.record({
    type: fc.constant('enrol' as const),
    room,
    name: fc.constantFrom(...someNames),
    photos: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({ type: fc.constant('rename' as const), room, person: personIndex, name: fc.constantFrom(...someNames) }),
  fc.record({
    type: fc.constantFrom('photo' as const, 'aside' as const, 'forget' as const, 'correct' as const),
    room,
    person: personIndex,
  }),
  { weight: 5, arbitrary: fc.record({ type: fc.constant('hear' as const), room, message: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('fold' as const), room }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function apply(rooms: readonly HouseRoom[], messages: [string, Buffer][], action: Step, count: number): void {
  const here = rooms[action.room]!;
  const { store } = here;
  if (action.type === 'enrol') enrolMadeUp(store, action.name, action.photos);
  else if (action.type === 'fold') messages.push(...messagesOf(here));
  else if (action.type === 'hear') {
    const message = messages[action.message % Math.max(1, messages.length)];
    if (message !== undefined) here.people.receive(...message);
  } else {
    const people = store.people();
    const person = people[action.person % Math.max(1, people.length)];
    if (person === undefined) return;
    if (action.type === 'forget') return void store.forget(person.id);
    store.change((changes) => {
      if (action.type === 'photo') changes.addTemplate(person.id, madeUpTemplate(`photo ${count}`));
      if (action.type === 'aside' && person.templates.length > 1) changes.disable([person.templates[0]!.id]);
      if (action.type === 'correct') changes.addNegativeTemplate(person.id, madeUpTemplate(`not ${count}`));
      if (
        action.type === 'rename' &&
        !people.some(({ id, name }) => id !== person.id && folded(name) === folded(action.name))
      )
        changes.rename(person.id, action.name);
    });
  }
}

const folded = (name: string): string => name.toLowerCase();

t.test('all rooms end with the same people, whatever happened before', (t) => {
  const runs = Number(process.env['ROOMKIN_RUNS'] ?? 15);
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const rooms = ['attic', 'hall', 'kitchen'].map((id) => openRoom(id));
      try {
        const messages: [string, Buffer][] = [];
        for (const [count, action] of steps.entries()) apply(rooms, messages, action, count);
        settle(rooms);
        const [first, ...others] = rooms.map(content);
        for (const other of others) if (JSON.stringify(other) !== JSON.stringify(first)) return false;

        // A person who is forgotten now stays forgotten, even if every earlier message is delivered again.
        const forgotten = rooms[0]!.store.people()[0];
        if (forgotten === undefined) return true;
        for (const room of rooms) messages.push(...messagesOf(room));
        rooms[1]!.store.forget(forgotten.id);
        settle(rooms);
        for (const message of messages) for (const room of rooms) room.people.receive(...message);
        return rooms.every(({ store }) => store.people().every(({ id }) => id !== forgotten.id));
      } finally {
        for (const room of rooms) {
          room.close();
          rmSync(room.folder, { recursive: true });
        }
      }
    }),
    { numRuns: runs, seed: 5 },
  );
  t.pass(`${runs} runs`);
  t.end();
});

const anyRoom = fc.nat({ max: 3 });
const historyStep: fc.Arbitrary<HistoryStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'enrol' as const,
        'enrol' as const,
        'forget' as const,
        'photo' as const,
        'aside' as const,
        'correct' as const,
      ),
      room: anyRoom,
      person: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('on' as const, 'on' as const, 'off' as const, 'join' as const, 'join' as const),
      room: anyRoom,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('rotate' as const, 'leave' as const), room: anyRoom }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('replay' as const),
      room: anyRoom,
      message: fc.nat(),
      retained: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('wait' as const), seconds: fc.constantFrom(1, 3, 8) }) },
);

t.test(
  'rotations, leaves, replays, rooms that are off: the rooms of the present key end with the right people',
  async (t) => {
    const runs = Number(process.env['ROOMKIN_RUNS'] ?? 15);
    await fc.assert(
      fc.asyncProperty(
        fc.array(historyStep, { minLength: 10, maxLength: 60 }),
        fc.boolean(),
        async (steps, isSettled) => {
          const fault = await play(steps, isSettled);
          if (fault !== null) throw new Error(fault);
        },
      ),
      { numRuns: runs, seed: Number(process.env['ROOMKIN_SEED'] ?? 7) },
    );
    t.pass(`${runs} histories`);
  },
);
