// Rooms with real stores. A person enrolled in one room is known in all, a forgotten person is in none, and old messages restore nobody.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { createHouseholdSeal, firstKey } from '../../src/sharing/key.js';
import { content, deliver, everyByte, type HouseRoom, key, messagesOf, openRoom, seal, settle } from './house.js';
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

t.test('a person enrolled in one room is known in the other with all templates and corrections', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  const ada = enrolMadeUp(kitchen.store, 'Ada', 3);
  kitchen.store.change((changes) => {
    changes.disable([1]);
    changes.addCorrectedTemplate(ada, madeUpTemplate('an observation of her'));
    changes.addNegativeTemplate(ada, madeUpTemplate('not her'));
    changes.addTemplate(ada, { ...madeUpTemplate('of another model'), space: 'another-space' });
  });
  const before = hall.store.version;
  t.match(deliver(kitchen, hall), [{ type: 'accepted', name: 'Ada', version: { stamp: { life: 1, counter: 1 } } }]);
  t.strictSame(content(hall), content(kitchen));
  t.ok(hall.store.version > before, 'the daemon sees the change');
  const [person] = hall.store.gallery(space).people;
  t.equal(person?.templates.length, 3, 'the disabled template is not in use');
  t.equal(person?.templates.filter(({ corrected }) => corrected).length, 1);
  t.same(
    person?.negativeTemplates?.map(({ vector }) => vector),
    [madeUpVector('not her')],
  );
  t.equal(hall.store.gallery('another-space').people[0]?.templates.length, 1, 'stored for a room that can use it');

  t.equal(
    hall.store.change((changes) => changes.addTemplate(ada, madeUpTemplate('Ada/1'))),
    false,
  );
  t.pass('the same photo is recognised there');
  t.match(deliver(kitchen, hall), [{ type: 'same' }]);
  t.match(deliver(hall, kitchen), [{ type: 'same' }], 'an accepted change is not a change of this room');
  t.end();
});

t.test('a change leaves the other rows untouched', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  const ada = enrolMadeUp(kitchen.store, 'Wilhelmina', 3);
  deliver(kitchen, hall);
  const numbers = (): number[] => hall.store.find(ada).templates.map(({ id }) => id);
  const before = numbers();
  kitchen.store.change((changes) => {
    changes.rename(ada, 'Mina');
    changes.disable([2]);
    changes.removeTemplates([3]);
    changes.addTemplate(ada, madeUpTemplate('new'));
  });
  deliver(kitchen, hall);
  t.strictSame(content(hall), content(kitchen));
  t.strictSame(numbers().slice(0, 2), before.slice(0, 2), 'photos keep their numbers');
  t.strictSame(hall.erased, [], 'nobody was erased');
  t.notOk(everyByte(hall.folder).includes('Wilhelmina'), 'the old name is erased');
  t.end();
});

t.test('forgetting a person in one room leaves no byte in another that was off', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Wilhelmina', 20);
  enrolMadeUp(kitchen.store, 'Bob');
  deliver(kitchen, hall);
  const reader = new Database(join(hall.folder, 'gallery.sqlite'));
  const sealed = reader.prepare("SELECT sealed FROM template WHERE person = 'wilhelmina'").pluck().all() as Buffer[];
  const wrapped = reader.prepare("SELECT wrapped_key FROM person WHERE id = 'wilhelmina'").pluck().get() as Buffer;
  reader.close();
  t.equal(sealed.length, 20);
  hall.close();
  kitchen.store.forget('wilhelmina');
  const tombstone = messagesOf(kitchen).get(seal.nameOf('wilhelmina'))!;
  const plain = seal.open(seal.nameOf('wilhelmina'), tombstone)!.toString();
  t.strictSame(
    JSON.parse(plain),
    { stamp: { life: 1, forgotten: true, counter: 2, room: 'kitchen' }, person: null },
    'the message contains nothing else about her',
  );

  const again = openRoom('hall', hall.folder);
  t.teardown(() => again.close());
  t.match(again.people.receive(seal.nameOf('wilhelmina'), tombstone), {
    type: 'accepted',
    name: 'Wilhelmina',
    erased: true,
  });
  const bytes = everyByte(hall.folder);
  for (const secret of [...sealed, wrapped]) t.notOk(bytes.includes(secret));
  t.notOk(bytes.toString('latin1').toLowerCase().includes('wilhelmina'));
  t.ok(bytes.includes('Bob'), 'the search finds stored text');
  t.strictSame(again.erased, ['wilhelmina'], 'her journal entries are erased too');
  t.strictSame(names(again), ['Bob']);
  t.end();
});

t.test('old messages restore nobody', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  const [name, first] = only(messagesOf(kitchen));
  t.equal(hall.people.receive(name, first).type, 'accepted');
  kitchen.store.change((changes) => changes.rename('ada', 'Ada L.'));
  const [, second] = only(messagesOf(kitchen));
  t.equal(hall.people.receive(name, second).type, 'accepted');
  t.equal(hall.people.receive(name, first).type, 'older');
  t.strictSame(names(hall), ['Ada L.']);
  kitchen.store.forget('ada');
  const [, third] = only(messagesOf(kitchen));
  t.equal(hall.people.receive(name, third).type, 'accepted');
  for (const old of [first, second]) t.equal(hall.people.receive(name, old).type, 'older');
  t.equal(hall.people.receive(name, third).type, 'same');
  hall.close();
  const again = openRoom('hall', hall.folder);
  t.teardown(() => again.close());
  t.equal(again.people.receive(name, first).type, 'older', 'also after a restart');
  t.strictSame(names(again), []);

  enrolMadeUp(kitchen.store, 'Ada', 4);
  const [, fourth] = only(messagesOf(kitchen));
  t.match(again.people.receive(name, fourth), { type: 'accepted', version: { stamp: { life: 2, counter: 1 } } });
  t.strictSame(names(again), ['Ada'], 'a person who is enrolled again is known again');
  for (const old of [first, second, third]) t.equal(again.people.receive(name, old).type, 'older');
  t.end();
});

t.test('a person who is forgotten in one room while another changes them is forgotten', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  deliver(kitchen, hall);
  hall.store.forget('ada');
  for (const name of ['Ada M.', 'Ada N.', 'Ada O.']) {
    kitchen.store.change((changes) => changes.rename('ada', name));
    kitchen.people.recordChanges();
  }
  settle([hall, kitchen]);
  t.strictSame(names(hall), []);
  t.strictSame(names(kitchen), []);
  t.end();
});

t.test('after simultaneous renames both rooms have the same name', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  deliver(kitchen, hall);
  hall.store.change((changes) => changes.rename('ada', 'Ada of the hall'));
  kitchen.store.change((changes) => changes.rename('ada', 'Ada of the kitchen'));
  const fromHall = messagesOf(hall);
  t.match(deliver(kitchen, hall), [{ type: 'accepted', overruled: true }]);
  t.match(
    [...fromHall].map(([name, sealed]) => kitchen.people.receive(name, sealed)),
    [{ type: 'older' }],
  );
  t.strictSame(names(hall), ['Ada of the kitchen']);
  t.strictSame(names(kitchen), ['Ada of the kitchen']);
  t.end();
});

t.test('a person whom two rooms enrolled independently is one person with the photos of both', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(hall.store, 'ADA', 2);
  enrolMadeUp(kitchen.store, 'Ada', 3);
  for (const { store } of [hall, kitchen])
    store.change((changes) => changes.addTemplate('ada', madeUpTemplate('a photo that both enrolled')));
  for (const room of [hall, kitchen]) room.people.recordChanges();
  settle([hall, kitchen]);
  t.strictSame(content(hall), content(kitchen));
  t.equal(hall.store.find('ada').templates.length, 6, 'the photo that both have is stored once');
  t.end();
});

t.test('two people with the same id or the same name stay two people', (t) => {
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

t.test('a message that is forged, truncated, of another household or malformed is refused and changes nothing', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  const [name, sealed] = only(messagesOf(kitchen));
  const flipped = Buffer.from(sealed);
  flipped[100]! ^= 1;
  const sealedAs = (body: unknown): Buffer => seal.seal(name, Buffer.from(JSON.stringify(body)));
  const body = JSON.parse(seal.open(name, sealed)!.toString());
  const [template] = body.person.templates;
  const person = (changes: object): Buffer => sealedAs({ ...body, person: { ...body.person, ...changes } });
  const short = Buffer.alloc(4 * 64);
  short.writeFloatLE(1, 0);
  const otherKey = createHouseholdSeal(firstKey(Buffer.alloc(32, 8)), 'home');
  const otherHouse = createHouseholdSeal(firstKey(key), 'next-door');
  const plain = seal.open(name, sealed)!;
  const { version } = hall.store;
  for (const [title, why, bytes] of [
    ['changed', 'foreign', flipped],
    ['truncated', 'foreign', sealed.subarray(0, sealed.length - 1)],
    ['empty', 'foreign', Buffer.alloc(0)],
    ['of another key', 'foreign', otherKey.seal(name, plain)],
    ['of another household', 'foreign', otherHouse.seal(name, plain)],
    ['of another person', 'foreign', seal.seal(seal.nameOf('ben'), plain)],
    ['too large', 'large', Buffer.alloc(300 * 1024)],
    ['no JSON', 'malformed', seal.seal(name, Buffer.from('{'))],
    ['without a version', 'malformed', sealedAs({ person: body.person })],
    ['forgotten and alive', 'malformed', sealedAs({ ...body, stamp: { ...body.stamp, forgotten: true } })],
    ['with the id of another person', 'malformed', person({ id: 'ben' })],
    ['with an invalid name', 'malformed', person({ name: 'a/b' })],
    ['with a photo twice', 'malformed', person({ templates: [template, template] })],
    ['with an invalid vector', 'malformed', person({ templates: [{ ...template, vector: 'AAAAAAAAAAA=' }] })],
    [
      'with a vector of the wrong length for its space',
      'malformed',
      person({ templates: [{ ...template, vector: short.toString('base64') }] }),
    ],
  ] as const)
    t.strictSame(hall.people.receive(name, bytes), { type: 'refused', why }, title);
  t.equal(hall.store.version, version);
  t.strictSame(hall.people.versions(), new Map());
  t.equal(hall.people.receive(name, person({})).type, 'accepted', 'the intact message is accepted');
  t.end();
});

t.test('another key or household has its own versions, and nobody counts as forgotten', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  kitchen.people.recordChanges();
  kitchen.close();
  const again = openRoom('kitchen', kitchen.folder, createHouseholdSeal(firstKey(Buffer.alloc(32, 9)), 'home'));
  t.teardown(() => again.close());
  t.equal(again.people.versions().size, 0);
  again.people.recordChanges();
  t.match([...again.people.versions().values()], [{ stamp: { forgotten: false, counter: 1 } }]);
  t.end();
});

t.test('a person with a damaged template is not shared, and no room loses the template', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada', 2);
  kitchen.people.recordChanges();
  const [name, version] = only(kitchen.people.versions());
  const database = new Database(join(kitchen.folder, 'gallery.sqlite'));
  database.exec("UPDATE template SET sealed = x'00' WHERE id = 1");
  database.close();
  t.strictSame(kitchen.people.message(name), { type: 'damaged', name: 'Ada' });
  kitchen.people.recordChanges();
  t.strictSame(kitchen.people.versions().get(name), version, 'the damage is not a change');
  t.end();
});

t.test('people beyond the limit and people with too many photos are not shared', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  kitchen.store.change((changes) => {
    for (let i = 0; i < 66; i += 1) changes.person(`Number ${i}`);
  });
  t.equal(kitchen.people.recordChanges().length, 2);
  t.equal(kitchen.people.versions().size, 64);
  hall.store.change((changes) => {
    const id = changes.person('Ada');
    for (let i = 0; i < 300; i += 1) changes.addTemplate(id, madeUpTemplate(`Ada/${i}`));
  });
  hall.people.recordChanges();
  t.strictSame(hall.people.message(seal.nameOf('ada')), { type: 'large', name: 'Ada' });
  t.match(deliver(kitchen, hall).at(-1), { type: 'refused', why: 'crowd' });
  t.equal(hall.store.people().length, 64);
  t.end();
});

t.test('forty photos and forty negative templates in each of two spaces fit into a message', (t) => {
  const [kitchen] = rooms(t, 'kitchen') as [HouseRoom];
  kitchen.store.change((changes) => {
    const id = changes.person('Ada');
    for (const photoSpace of [space, 'another-space'])
      for (let i = 0; i < 40; i += 1) {
        changes.addTemplate(id, { ...madeUpTemplate(`photo ${i}`), space: photoSpace, quality });
        changes.addNegativeTemplate(id, { ...madeUpTemplate(`not ${i}`), space: photoSpace });
      }
  });
  kitchen.people.recordChanges();
  const message = kitchen.people.message(seal.nameOf('ada'));
  t.equal(message.type, 'sealed');
  if (message.type === 'sealed') t.comment(`${message.bytes.length} bytes`);
  t.end();
});

t.test('a person whom a room forgets after it left stays in the household when the room comes back', (t) => {
  const [hall, kitchen] = rooms(t, 'hall', 'kitchen') as [HouseRoom, HouseRoom];
  enrolMadeUp(kitchen.store, 'Ada');
  enrolMadeUp(kitchen.store, 'Ben');
  deliver(kitchen, hall);
  hall.store.forget('ben');
  settle([hall, kitchen]);
  hall.people.leave();
  hall.store.forget('ada');
  hall.people.recordChanges();
  settle([hall, kitchen]);
  t.strictSame(names(kitchen), ['Ada']);
  t.strictSame(names(hall), ['Ada']);
  t.equal([...hall.people.versions().values()].filter(({ stamp }) => stamp.forgotten).length, 1, 'Ben stays forgotten');
  t.end();
});
