import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import t from 'tap';
import { at, errors, json, names, roomkin, sample } from './place.js';

t.setTimeout(180_000);

/** Photos of single people, cropped from the sample pictures of a package; the second photo of each is mirrored and darker. */
const portraits = {
  ada: { number: 5, box: { left: 180, top: 740, width: 560, height: 560 } },
  bob: { number: 6, box: { left: 1400, top: 130, width: 480, height: 560 } },
  cy: { number: 1, box: { left: 150, top: 180, width: 600, height: 640 } },
};
mkdirSync(at('photos'));
for (const [name, { number, box }] of Object.entries(portraits)) {
  const cut = sharp(sample(number)).extract(box);
  await cut
    .clone()
    .jpeg()
    .toFile(at('photos', `${name}-1.jpg`));
  await cut
    .clone()
    .flop()
    .modulate({ brightness: 0.8 })
    .jpeg()
    .toFile(at('photos', `${name}-2.jpg`));
}
const photo = (name: string): string => at('photos', `${name}.jpg`);

t.test('a person is enrolled from photos, and recognised in another one', async (t) => {
  const { code, document } = await json('enrol', 'Ada Ünal', '--photos', photo('ada-1'));
  t.equal(code, 0);
  t.match(document, {
    people: [{ person: 'ada-unal', name: 'Ada Ünal', photos: 1, added: 1, templates: 1 }],
    strangers: 0,
  });
  const again = await json('enrol', 'ada ünal', '--photos', photo('ada-1'));
  t.match(again.document.people[0], { person: 'ada-unal', added: 0, redundant: 1, templates: 1 });

  const result = await json('identify', photo('ada-2'), photo('bob-1'), sample(5));
  t.equal(result.code, 0);
  const [ada, bob, group] = result.document.files;
  t.match(ada.faces, [{ person: 'ada-unal', name: 'Ada Ünal', state: 'known', rule: String }]);
  t.ok(ada.faces[0].similarity > 0.6);
  t.equal(ada.faces[0].second, null);
  t.match(bob.faces, [{ person: null, name: null }]);
  t.equal(
    group.faces.filter(({ person }: { person: string | null }) => person === 'ada-unal').length,
    1,
    'one face has the name',
  );
  const [x, y, width, height] = group.faces.find(({ person }: { person: string | null }) => person).box;
  t.ok(x > 180 && x + width < 740 && y > 740 && y + height < 1300, 'where she is in the picture');
});

t.test('bad photos are all listed, and nothing is enrolled', async (t) => {
  writeFileSync(at('photos', 'empty.jpg'), '');
  writeFileSync(at('photos', 'text.jpg'), 'no picture');
  writeFileSync(at('photos', 'cut.jpg'), readFileSync(photo('bob-1')).subarray(0, 20_000));
  await sharp({ create: { width: 300, height: 300, channels: 3, background: '#888888' } })
    .jpeg()
    .toFile(photo('wall'));
  const before = await names();
  const bad = ['empty', 'text', 'cut', 'wall'].map(photo);
  const refused = await roomkin('enrol', 'Bob', '--photos', photo('bob-1'), ...bad, sample(1));
  t.equal(refused.code, 65);
  t.equal(refused.stdout, '');
  const lines = errors(refused);
  t.match(lines[0], /^roomkin: PHOTO_UNREADABLE: 5 of 6 photos cannot be used; nothing was enrolled/);
  for (const [index, [code, path]] of [
    ['PHOTO_UNREADABLE', photo('empty')],
    ['PHOTO_UNREADABLE', photo('text')],
    ['PHOTO_UNREADABLE', photo('cut')],
    ['PHOTO_NO_FACE', photo('wall')],
    ['PHOTO_TWO_FACES', sample(1)],
  ].entries())
    t.ok(lines[index + 1]?.startsWith(`roomkin: ${code}: ${path} `), String(lines[index + 1]));
  t.equal(lines.length, 6);
  t.same(await names(), before);

  const single = await roomkin('enrol', 'Bob', '--photos', photo('bob-1'), photo('empty'));
  t.equal(single.code, 65);
  t.equal(errors(single).length, 1);
  t.match(errors(single)[0], /^roomkin: PHOTO_UNREADABLE: .*empty\.jpg is empty.*nothing was enrolled/);
  t.same(await names(), before);

  const skipped = await json('enrol', 'Bob', '--photos', photo('bob-1'), photo('empty'), '--skip-bad');
  t.equal(skipped.code, 0);
  t.match(skipped.document, {
    people: [{ person: 'bob', added: 1 }],
    skipped: [{ file: photo('empty'), code: 'PHOTO_UNREADABLE' }],
  });
});

t.test('the same person under a second name is refused, unless forced', async (t) => {
  const refused = await roomkin('enrol', 'Robert', '--photos', photo('bob-2'));
  t.equal(refused.code, 65);
  t.match(errors(refused), [/^roomkin: PERSON_TOO_ALIKE: the photos of Robert look like Bob, who is enrolled/]);
  t.notOk((await names()).includes('Robert'));
  t.equal((await roomkin('enrol', 'Robert', '--photos', photo('bob-2'), '--force')).code, 0);
  const result = await json('identify', photo('bob-2'));
  t.match(result.document.files[0].faces, [{ person: null, state: 'ambiguous' }], 'the face is then ambiguous');
  t.equal((await roomkin('forget', 'Robert', '--yes')).code, 0);
});

t.test('a folder with one folder per person enrols a household', async (t) => {
  for (const name of ['Cy', 'unknown', '.git']) mkdirSync(at('from', name), { recursive: true });
  writeFileSync(at('from', 'notes.txt'), 'not a folder');
  symlinkSync(at('nowhere'), at('from', 'dangling'));
  for (const number of [1, 2]) writeFileSync(at('from', 'Cy', `${number}.jpg`), readFileSync(photo(`cy-${number}`)));
  writeFileSync(at('from', 'unknown', 'group.jpg'), readFileSync(sample(2)));
  const { code, document } = await json('enrol', '--from', at('from'));
  t.equal(code, 0);
  t.match(document.people, [{ person: 'cy', name: 'Cy', photos: 2, added: 2 }]);
  t.ok(document.strangers >= 2);
  t.match(await json('people'), { document: { strangers: document.strangers } });
  const result = await json('identify', sample(2));
  t.same(
    result.document.files[0].faces.filter(({ person }: { person: string | null }) => person),
    [],
  );
});
