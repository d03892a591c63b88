// Two and three rooms with real stores: what one enrols all know, what one forgets is nowhere, and nothing old comes back.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { createHouseholdSeal } from '../../src/sharing/key.js';
import { content, everyByte, type HouseRoom, key, openRoom, saying, seal, settle, tell } from './house.js';
import { enrolMadeUp, madeUpTemplate, madeUpVector, quality, space } from './household.js';

function rooms(t: { teardown(work: () => void): void }, ...ids: string[]): HouseRoom[] {
  const opened = ids.map((id) => openRoom(id));
  t.teardown(() => {
    for (const room of opened) {
      room.close();
      rmSync(room.folder, { recursive: true });
    }
  });
  return opened;
}

const names = ({ store }: HouseRoom): string[] => store.people().map(({ name }) => name);
const only = <T>(map: ReadonlyMap<string, T>): [string, T] => [...map][0]!;

t.test('who is enrolled in one room is known in the other, with everything that was said about them', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  const ada = enrolMadeUp(kitchen.store, 'Ada', 3);
  kitchen.store.change((changes) => {
    changes.disable([1]);
    changes.addCorrectedTemplate(ada, madeUpTemplate('a look of hers'));
    changes.addNegativeTemplate(ada, madeUpTemplate('not her'));
    changes.addTemplate(ada, { ...madeUpTemplate('of another model'), space: 'another-space' });
  });
  const before = hall.store.version;
  t.match(tell(kitchen, hall), [{ type: 'taken', name: 'Ada', version: { stamp: { life: 1, counter: 1 } } }]);
  t.strictSame(content(hall), content(kitchen));
  t.ok(hall.store.version > before, 'which the daemon sees');
  const [person] = hall.store.gallery(space).people;
  t.equal(person?.templates.length, 3, 'the one that is set aside is not in use');
  t.equal(person?.templates.filter(({ corrected }) => corrected).length, 1);
  t.same(
    person?.negativeTemplates?.map(({ vector }) => vector),
    [madeUpVector('not her')],
  );
  t.equal(hall.store.gallery('another-space').people[0]?.templates.length, 1, 'kept for a room that can use it');

  t.equal(
    hall.store.change((changes) => changes.addTemplate(ada, madeUpTemplate('Ada/1'))),
    false,
  );
  t.pass('and the same photo is still the same photo there');
  t.match(tell(kitchen, hall), [{ type: 'same' }]);
  t.match(tell(hall, kitchen), [{ type: 'same' }], 'what came from outside is nobody’s change');
  t.end();
});

t.test('a change touches only what it changes', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  const ada = enrolMadeUp(kitchen.store, 'Wilhelmina', 3);
  tell(kitchen, hall);
  const numbers = (): number[] => hall.store.find(ada).templates.map(({ id }) => id);
  const was = numbers();
  kitchen.store.change((changes) => {
    changes.rename(ada, 'Mina');
    changes.disable([2]);
    changes.removeTemplates([3]);
    changes.addTemplate(ada, madeUpTemplate('new'));
  });
  tell(kitchen, hall);
  t.strictSame(content(hall), content(kitchen));
  t.strictSame(numbers().slice(0, 2), was.slice(0, 2), 'photos keep their numbers');
  t.strictSame(hall.erased, [], 'and nobody was erased');
  t.notOk(everyByte(hall.folder).includes('Wilhelmina'), 'the old name is gone');
  t.end();
});

t.test('forgotten in one room, no byte is left in the other, though it was off', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Wilhelmina', 20);
  enrolMadeUp(kitchen.store, 'Bob');
  tell(kitchen, hall);
  const reader = new Database(join(hall.folder, 'gallery.sqlite'));
  const sealed = reader.prepare("SELECT sealed FROM template WHERE person = 'wilhelmina'").pluck().all() as Buffer[];
  const wrapped = reader.prepare("SELECT wrapped_key FROM person WHERE id = 'wilhelmina'").pluck().get() as Buffer;
  reader.close();
  t.equal(sealed.length, 20);
  hall.close();
  kitchen.store.forget('wilhelmina');
  const tombstone = saying(kitchen).get(seal.nameOf('wilhelmina'))!;
  const plain = seal.open(seal.nameOf('wilhelmina'), tombstone)!.toString();
  t.strictSame(
    JSON.parse(plain),
    { stamp: { life: 1, forgotten: true, counter: 2, room: 'kitchen' }, person: null },
    'which is all that is said of her',
  );

  const again = openRoom('hall', hall.folder);
  t.teardown(() => again.close());
  t.match(again.people.take(seal.nameOf('wilhelmina'), tombstone), { type: 'taken', name: 'Wilhelmina', erased: true });
  const bytes = everyByte(hall.folder);
  for (const one of [...sealed, wrapped]) t.notOk(bytes.includes(one));
  t.notOk(bytes.toString('latin1').toLowerCase().includes('wilhelmina'));
  t.ok(bytes.includes('Bob'), 'the search does find what is there');
  t.strictSame(again.erased, ['wilhelmina'], 'and her looks are to go too');
  t.strictSame(names(again), ['Bob']);
  t.end();
});

t.test('nothing old brings anybody back', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  const [name, first] = only(saying(kitchen));
  t.equal(hall.people.take(name, first).type, 'taken');
  kitchen.store.change((changes) => changes.rename('ada', 'Ada L.'));
  const [, second] = only(saying(kitchen));
  t.equal(hall.people.take(name, second).type, 'taken');
  t.equal(hall.people.take(name, first).type, 'older');
  t.strictSame(names(hall), ['Ada L.']);
  kitchen.store.forget('ada');
  const [, third] = only(saying(kitchen));
  t.equal(hall.people.take(name, third).type, 'taken');
  for (const old of [first, second]) t.equal(hall.people.take(name, old).type, 'older');
  t.equal(hall.people.take(name, third).type, 'same');
  hall.close();
  const again = openRoom('hall', hall.folder);
  t.teardown(() => again.close());
  t.equal(again.people.take(name, first).type, 'older', 'nor after a restart');
  t.strictSame(names(again), []);

  enrolMadeUp(kitchen.store, 'Ada', 4);
  const [, fourth] = only(saying(kitchen));
  t.match(again.people.take(name, fourth), { type: 'taken', version: { stamp: { life: 2, counter: 1 } } });
  t.strictSame(names(again), ['Ada'], 'but who is enrolled again is known again');
  for (const old of [first, second, third]) t.equal(again.people.take(name, old).type, 'older');
  t.end();
});

t.test('who is forgotten in one room while another changes them is forgotten', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  tell(kitchen, hall);
  hall.store.forget('ada');
  for (const name of ['Ada M.', 'Ada N.', 'Ada O.']) {
    kitchen.store.change((changes) => changes.rename('ada', name));
    kitchen.people.fold();
  }
  settle([hall, kitchen]);
  t.strictSame(names(hall), []);
  t.strictSame(names(kitchen), []);
  t.end();
});

t.test('renamed in both at once: both have the same name in the end', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  tell(kitchen, hall);
  hall.store.change((changes) => changes.rename('ada', 'Ada of the hall'));
  kitchen.store.change((changes) => changes.rename('ada', 'Ada of the kitchen'));
  const fromHall = saying(hall);
  t.match(tell(kitchen, hall), [{ type: 'taken', overruled: true }]);
  t.match(
    [...fromHall].map(([name, sealed]) => kitchen.people.take(name, sealed)),
    [{ type: 'older' }],
  );
  t.strictSame(names(hall), ['Ada of the kitchen']);
  t.strictSame(names(kitchen), ['Ada of the kitchen']);
  t.end();
});

t.test('enrolled in both before they heard of each other: one person with the photos of both', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(hall.store, 'ADA', 2);
  enrolMadeUp(kitchen.store, 'Ada', 3);
  for (const { store } of [hall, kitchen])
    store.change((changes) => changes.addTemplate('ada', madeUpTemplate('a photo that both were given')));
  for (const room of [hall, kitchen]) room.people.fold();
  settle([hall, kitchen]);
  t.strictSame(content(hall), content(kitchen));
  t.equal(hall.store.find('ada').templates.length, 6, 'and the photo that both have is there once');
  t.end();
});

t.test('two people whose names make one id stay two people, and so do two with one name', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(hall.store, 'Àdá', 2);
  enrolMadeUp(kitchen.store, 'Ada', 3);
  settle([hall, kitchen]);
  t.strictSame(content(hall), content(kitchen));
  t.strictSame(
    hall.store
      .people()
      .map(({ id, name, templates }) => [id, name, templates.length])
      .sort(),
    [
      ['ada', 'Ada', 3],
      ['ada-2', 'Àdá', 2],
    ],
  );
  t.same(
    hall.store.openTemplates('ada-2').map(({ vector }) => vector),
    [madeUpVector('Àdá/0'), madeUpVector('Àdá/1')],
  );

  hall.store.change((changes) => changes.rename('ada-2', 'Ben'));
  enrolMadeUp(kitchen.store, 'Ben', 1);
  settle([hall, kitchen]);
  t.strictSame(content(hall), content(kitchen));
  t.strictSame(names(hall).sort(), ['Ada', 'Ben', 'Ben 2']);
  t.end();
});

t.test('what is forged, cut, of another household or not a person is refused, and changes nothing', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  const [name, sealed] = only(saying(kitchen));
  const flipped = Buffer.from(sealed);
  flipped[100]! ^= 1;
  const as = (body: unknown): Buffer => seal.seal(name, Buffer.from(JSON.stringify(body)));
  const body = JSON.parse(seal.open(name, sealed)!.toString());
  const [template] = body.person.templates;
  const person = (changes: object): Buffer => as({ ...body, person: { ...body.person, ...changes } });
  const short = Buffer.alloc(4 * 64);
  short.writeFloatLE(1, 0);
  const otherKey = createHouseholdSeal(Buffer.alloc(32, 8), 'home');
  const otherHouse = createHouseholdSeal(key, 'next-door');
  const plain = seal.open(name, sealed)!;
  const { version } = hall.store;
  for (const [what, why, bytes] of [
    ['changed', 'foreign', flipped],
    ['cut', 'foreign', sealed.subarray(0, sealed.length - 1)],
    ['empty', 'foreign', Buffer.alloc(0)],
    ['of another key', 'foreign', otherKey.seal(name, plain)],
    ['of another household', 'foreign', otherHouse.seal(name, plain)],
    ['at another place', 'foreign', seal.seal(seal.nameOf('ben'), plain)],
    ['too large', 'large', Buffer.alloc(300 * 1024)],
    ['no JSON', 'malformed', seal.seal(name, Buffer.from('{'))],
    ['without a version', 'malformed', as({ person: body.person })],
    ['forgotten and alive', 'malformed', as({ ...body, stamp: { ...body.stamp, forgotten: true } })],
    ['of somebody else', 'malformed', person({ id: 'ben' })],
    ['with a name that is none', 'malformed', person({ name: 'a/b' })],
    ['with a photo twice', 'malformed', person({ templates: [template, template] })],
    ['with a vector that is none', 'malformed', person({ templates: [{ ...template, vector: 'AAAAAAAAAAA=' }] })],
    [
      'with a vector of another length than its space has',
      'malformed',
      person({ templates: [{ ...template, vector: short.toString('base64') }] }),
    ],
  ] as const)
    t.strictSame(hall.people.take(name, bytes), { type: 'refused', why }, what);
  t.equal(hall.store.version, version);
  t.strictSame(hall.people.versions(), new Map());
  t.equal(hall.people.take(name, person({})).type, 'taken', 'and the same, whole, is taken');
  t.end();
});

t.test('another key or household is another list: nobody counts as forgotten by it', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  kitchen.people.fold();
  kitchen.close();
  const again = openRoom('kitchen', kitchen.folder, createHouseholdSeal(Buffer.alloc(32, 9), 'home'));
  t.teardown(() => again.close());
  t.equal(again.people.versions().size, 0);
  again.people.fold();
  t.match([...again.people.versions().values()], [{ stamp: { forgotten: false, counter: 1 } }]);
  t.end();
});

t.test('what does not open is not said, and nobody loses it by that', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada', 2);
  kitchen.people.fold();
  const [name, version] = only(kitchen.people.versions());
  const database = new Database(join(kitchen.folder, 'gallery.sqlite'));
  database.exec("UPDATE template SET sealed = x'00' WHERE id = 1");
  database.close();
  t.strictSame(kitchen.people.message(name), { type: 'damaged', name: 'Ada' });
  kitchen.people.fold();
  t.strictSame(kitchen.people.versions().get(name), version, 'nor is it a change');
  t.end();
});

t.test('a crowd is not shared, and neither is somebody with a thousand photos', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  kitchen.store.change((changes) => {
    for (let i = 0; i < 66; i += 1) changes.person(`Number ${i}`);
  });
  t.equal(kitchen.people.fold().length, 2);
  t.equal(kitchen.people.versions().size, 64);
  hall.store.change((changes) => {
    const id = changes.person('Ada');
    for (let i = 0; i < 300; i += 1) changes.addTemplate(id, madeUpTemplate(`Ada/${i}`));
  });
  hall.people.fold();
  t.strictSame(hall.people.message(seal.nameOf('ada')), { type: 'large', name: 'Ada' });
  t.match(tell(kitchen, hall).at(-1), { type: 'refused', why: 'crowd' });
  t.equal(hall.store.people().length, 64);
  t.end();
});

t.test('forty photos in two spaces and eighty corrections fit', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  kitchen.store.change((changes) => {
    const id = changes.person('Ada');
    for (const of of [space, 'another-space'])
      for (let i = 0; i < 40; i += 1) {
        changes.addTemplate(id, { ...madeUpTemplate(`photo ${i}`), space: of, quality });
        changes.addNegativeTemplate(id, { ...madeUpTemplate(`not ${i}`), space: of });
      }
  });
  kitchen.people.fold();
  const message = kitchen.people.message(seal.nameOf('ada'));
  t.equal(message.type, 'sealed');
  if (message.type === 'sealed') t.comment(`${message.bytes.length} bytes`);
  t.end();
});
