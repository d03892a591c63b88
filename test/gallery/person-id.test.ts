import t from 'tap';
import { checkName, isId } from '../../src/gallery/names.js';
import { freeId, isEntityName } from '../../src/gallery/person-id.js';
import { roomComponents } from '../../src/mqtt/components.js';
import { roomTopics } from '../../src/mqtt/topics.js';

t.test('ids are readable and not in use', (t) => {
  const none = new Set<string>();
  t.equal(freeId('Ada', none), 'ada');
  t.equal(freeId('Ada', new Set(['ada'])), 'ada-2');
  t.equal(freeId('Ada', new Set(['ada', 'ada-2'])), 'ada-3');
  t.equal(freeId('José María', none), 'jose-maria');
  t.equal(freeId('Łukasz Groß', none), 'lukasz-gross');
  t.equal(freeId('李雷', none), 'lilei');
  t.equal(freeId('Stranger!', none), 'stranger-2');
  t.equal(freeId('x'.repeat(64), new Set(['x'.repeat(32)])), `${'x'.repeat(30)}-2`);
  t.end();
});

/** Names as people write them, with the id that each gets alone. */
const names: readonly (readonly [name: string, id: string])[] = [
  ['Юлия', 'yuliya'],
  ['Наталья', 'natalya'],
  ['Іван Франко', 'ivan-franko'],
  ['小林', 'xiaolin'],
  ['さくら', 'sakura'],
  ['山田 太郎', 'shantian-tailang'],
  ['李雷', 'lilei'],
  ['김민준', 'gimminjun'],
  ['محمد', 'mhmd'],
  ['مریم\u200cالسادات', 'mrymlsdt'],
  ['שרה', 'srh'],
  ['क्षितिज', 'ksitij'],
  ['আনিকা', 'anika'],
  ['கமலா', 'kmla'],
  ['ਗੁਰਪ੍ਰੀਤ', 'gurprit'],
  ['สมชาย', 'smchay'],
  ['ကျော်', 'kyea'],
  ['Γιώργος', 'giorgos'],
  ['თამარ', 'tamar'],
  ['Արմեն', 'armen'],
  ['አበበ', 'abebe'],
  ['ᏣᎳᎩ', 'tsalagi'],
  ['Nguyễn Thị Hoa', 'nguyen-thi-hoa'],
  ['Łukasz Groß', 'lukasz-gross'],
  ['X Æ A-12', 'x-ae-a-12'],
  ['Ada 😀', 'ada'],
  ['👩\u200d🚀 Юлия', 'yuliya'],
  ['Mary’s Mum', 'mary-s-mum'],
  ['ＡＤＡ', 'ada'],
  ['Person', 'person-2'],
  ['Camera', 'camera-2'],
  ['Occupancy', 'occupancy-2'],
  ['Last arrival', 'last-arrival-2'],
  ['\ua9b1\ua9b2', 'sh'],
];

t.test('a name of any script has an id that can be read', (t) => {
  for (const [name, id] of names) t.equal(freeId(checkName(name), new Set()), id, name);
  t.end();
});

t.test('the ids of a household of all these people are valid and differ, also as parts of entity ids', (t) => {
  const used = new Set<string>();
  for (const [name] of [...names, ...names]) {
    const id = freeId(checkName(name), used);
    t.ok(isId(id), id);
    t.notOk(used.has(id), id);
    used.add(id);
  }
  t.equal(new Set([...used].map((id) => id.replaceAll('-', '_'))).size, used.size);
  t.equal(freeId('Ada 2', new Set(['ada_2'])), 'ada-2-2', 'Home Assistant makes ada_2 of both ids');
  t.end();
});

t.test('a script that nobody can write in Latin letters is numbered', (t) => {
  const unwritten = '\u{12000}\u{12001}'; // cuneiform
  t.equal(freeId(checkName(unwritten), new Set()), 'person-2');
  t.equal(freeId(checkName(unwritten), new Set(['person-2'])), 'person-3');
  t.end();
});

t.test('no id of a person is the key of a component, nor makes the entity id of one', (t) => {
  const room = {
    id: 'lab',
    topics: roomTopics('room', 'lab'),
    snapshots: true,
    corrections: true,
    healthMs: 30_000,
    formerNames: [],
    machine: { temperature: true, throttling: true },
  };
  const bare = roomComponents({ ...room, people: [] });
  for (const key of Object.keys(bare)) {
    t.ok(isEntityName(key), `${key} is reserved`);
    // A gallery of an older version may hold such an id.
    const old = Object.values(roomComponents({ ...room, people: [{ id: key, name: 'Old' }] }));
    const ids = old.flatMap(({ obj_id: id }) => (id === undefined ? [] : [id]));
    t.equal(new Set(ids).size, ids.length, `the entity ids of a person with the id ${key}`);
    for (const name of [key, key.replaceAll('_', ' '), key.toUpperCase()]) {
      const id = freeId(name, new Set());
      t.notOk(isEntityName(id), id);
      const components = roomComponents({ ...room, people: [{ id, name }] });
      const entities = Object.values(components).filter(({ p }) => p !== 'device_automation');
      for (const part of ['uniq_id', 'obj_id', 'def_ent_id'])
        t.equal(new Set(entities.map((entity) => entity[part])).size, entities.length, `${part} of ${id}`);
    }
  }
  t.end();
});
