// Folders as people have them: mixed files, swapped photos, groups, photos from a pipe. The faces are those of the demo.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import t from 'tap';
import { portrait } from '../../src/commands/demo/portraits.js';
import { cast } from '../../src/commands/demo/script.js';
import { spawnCli } from '../helpers/cli.js';
import { at, errors, json, roomkin } from './place.js';

t.setTimeout(240_000);

/** As different as photos of a person are: otherwise they are duplicates. */
const poses: readonly [Parameters<typeof portrait>[1], (photo: Sharp) => Sharp][] = [
  [{ light: -0.3, tiltDegrees: 3, smile: 4 }, (photo) => photo],
  [{ light: 0.3, tiltDegrees: -6, smile: 0 }, (photo) => photo.flop().modulate({ brightness: 0.6, saturation: 0.5 })],
  [{ light: 0, tiltDegrees: 0, smile: 8 }, (photo) => photo.blur(2.5).modulate({ brightness: 1.15 })],
  [{ light: -0.8, tiltDegrees: 9, smile: 2 }, (photo) => photo.greyscale().resize(360, 500, { fit: 'fill' })],
  [{ light: 0.8, tiltDegrees: -9, smile: 9 }, (photo) => photo.linear(0.75, 10).resize(400, 440, { fit: 'fill' })],
];
const drawn = async (key: string, pose: number): Promise<Buffer> => {
  const { features } = cast.find((role) => role.key === key)!;
  const [position, changed] = poses[pose]!;
  const looks = {
    ...features,
    eyeOpening: features.eyeOpening * [1, 0.8, 1.2, 0.9, 1.1][pose]!,
    mouthWidth: features.mouthWidth * [1, 1.2, 1, 0.9, 1.15][pose]!,
    browHeight: features.browHeight + [0, 3, -3, 2, -2][pose]!,
    hairHeight: features.hairHeight * [1, 0.93, 1.07, 1.03, 0.97][pose]!,
  };
  return changed(sharp(Buffer.from(portrait(looks, position))))
    .jpeg({ quality: 92 })
    .toBuffer();
};
const faces = {
  ada: await Promise.all(poses.map((_, i) => drawn('ada', i))),
  grace: await Promise.all(poses.map((_, i) => drawn('visitor', i))),
};
const put = (path: string, bytes: Buffer | string): void => {
  mkdirSync(at(path, '..'), { recursive: true });
  writeFileSync(at(path), bytes);
};

t.test(
  'two people who are swapped in part are told before anything is stored, with commands that mend it',
  async (t) => {
    for (const [i, bytes] of faces.ada.entries()) put(`swapped/${i < 3 ? 'Ada' : 'Grace'}/${i + 1}.jpg`, bytes);
    for (const [i, bytes] of faces.grace.entries()) put(`swapped/${i < 3 ? 'Grace' : 'Ada'}/${i + 1}.jpg`, bytes);
    const refused = await roomkin('enrol', '--from', at('swapped'));
    t.equal(refused.code, 65);
    t.match(errors(refused), [
      /^roomkin: PHOTO_MISPLACED: 4 of 10 photos show another person than the one given; nothing/,
    ]);
    t.match(refused.stderr, `  ${at('swapped/Ada/4.jpg')} shows Grace rather than Ada (similarity 0.`);
    t.same((await json('people')).document.people, []);

    const lines = refused.stderr.split('\n');
    const without = lines
      .find((line) => line.startsWith('  roomkin enrol '))!
      .trim()
      .split(' ')
      .slice(1);
    const skipped = await json(...without);
    t.equal(skipped.code, 0);
    t.match(skipped.document.people, [
      { name: 'Ada', photos: 5 },
      { name: 'Grace', photos: 5 },
    ]);
    t.equal(skipped.document.skipped.length, 4);
    for (const name of ['Ada', 'Grace']) await roomkin('forget', name, '--yes');

    for (const line of lines.filter((text) => text.startsWith('  mv '))) execFileSync('sh', ['-c', line]);
    const { code, document } = await json('enrol', '--from', at('swapped'));
    t.equal(code, 0, JSON.stringify(document));
    t.match(document.people, [
      { name: 'Ada', photos: 5 },
      { name: 'Grace', photos: 5 },
    ]);
    t.match((await roomkin('people', '--check')).stdout, /no problem found/);
    const shown = (await json('show', 'Ada')).document.templates.map(({ file }: { file: string }) => file);
    t.ok(shown.includes('1.jpg') && shown.includes('4-2.jpg'), shown.join());
  },
);

t.test('people --check names the files of swapped photos, and no right one', async (t) => {
  for (const name of ['Ada', 'Grace']) await roomkin('forget', name, '--yes');
  for (const [i, bytes] of faces.ada.entries()) put(`forced/${i < 3 ? 'Ada' : 'Grace'}/a${i + 1}.jpg`, bytes);
  for (const [i, bytes] of faces.grace.entries()) put(`forced/${i < 3 ? 'Grace' : 'Ada'}/g${i + 1}.jpg`, bytes);
  t.equal((await roomkin('enrol', '--from', at('forced'), '--force')).code, 0);
  const { document } = await json('people', '--check');
  t.same(document.faults.map(({ file }: { file: string }) => file).sort(), ['a4.jpg', 'a5.jpg', 'g4.jpg', 'g5.jpg']);
  const { stdout } = await roomkin('people', '--check');
  t.match(stdout, /Photo \d+ of Ada \(g4\.jpg, /);
  const command = /^ {2}roomkin (people --disable [\d ]+)$/m.exec(stdout)![1]!.split(' ');
  t.equal((await roomkin(...command)).code, 0);
  t.match((await roomkin('people', '--check')).stdout, /^6 photos of 2 people: no problem found$/m);
  const backup = at('names.backup');
  writeFileSync(at('passphrase'), 'five random words here\n');
  t.equal((await roomkin('export', backup, '--passphrase-file', at('passphrase'))).code, 0);
  t.notMatch(readFileSync(at('store', 'gallery.sqlite'), 'latin1'), /g4\.jpg/, 'names are sealed');
  for (const name of ['Ada', 'Grace']) await roomkin('forget', name, '--yes');
  t.equal((await roomkin('import', backup, '--passphrase-file', at('passphrase'))).code, 0);
  t.ok((await json('show', 'Ada')).document.templates.some(({ file }: { file: string }) => file === 'g4.jpg'));
  for (const name of ['Ada', 'Grace']) await roomkin('forget', name, '--yes');
});

t.test('each file of a mixed folder is used or named', async (t) => {
  put('mixed/1.jpg', faces.ada[0]!);
  put('mixed/chat.jfif', faces.ada[1]!);
  put('mixed/P1.JPE', faces.ada[2]!);
  put('mixed/photo_2024', faces.ada[3]!);
  put('mixed/IMG.AAE', 'settings');
  put('mixed/._1.jpg', 'fork');
  put('mixed/2023/5.jpg', faces.ada[4]!);
  const { code, document } = await json('enrol', 'Ada', '--photos', at('mixed'));
  t.equal(code, 0, JSON.stringify(document));
  t.match(document, {
    people: [{ photos: 4, added: 4 }],
    summary: { files: 7, used: 4, skipped: 0, passedOver: 3 },
    passedOver: [{ reason: 'hidden' }, { file: at('mixed/2023/5.jpg'), reason: 'subfolder' }, { reason: 'sidecar' }],
  });
  const { stdout } = await roomkin('identify', at('mixed'));
  t.match(stdout, /^Passed over: 3 files$/m);
  t.match(stdout, /IMG\.AAE/);
  renameSync(at('mixed/2023'), at('only'));
  mkdirSync(at('outer'));
  renameSync(at('only'), at('outer/2023'));
  const nothing = await roomkin('enrol', 'Ada', '--photos', at('outer'));
  t.match(errors(nothing), [/^roomkin: FOLDER_EMPTY: .*outer holds no photo .*2023\/5\.jpg: name such a folder/]);
});

t.test('of several faces one is chosen from the left', async (t) => {
  const [left, right] = [faces.grace[0]!, faces.ada[0]!];
  const group = await sharp({ create: { width: 800, height: 500, channels: 3, background: '#8f9aa3' } })
    .composite([
      { input: left, left: 0, top: 0 },
      { input: right, left: 400, top: 0 },
    ])
    .jpeg()
    .toBuffer();
  put('group.jpg', group);
  const refused = await roomkin('enrol', 'Grace', '--photos', at('group.jpg'));
  t.match(errors(refused), [
    /PHOTO_TWO_FACES: .*shows 2 faces \(from left to right, of the width: 1 at \d+ %, 2 at \d+ %\).*--face N/,
  ]);
  t.match(errors(await roomkin('enrol', 'Grace', '--photos', at('group.jpg'), '--face', '3')), [/--face takes 1 to 2/]);
  t.equal((await roomkin('enrol', 'Grace', '--photos', at('group.jpg'), at('mixed/1.jpg'), '--face', '1')).code, 64);
  t.equal((await json('enrol', 'Grace', '--photos', at('group.jpg'), '--face', '1')).code, 0);
  put('probe.jpg', faces.grace[1]!);
  t.match((await json('identify', at('probe.jpg'))).document.files[0].faces, [{ person: 'grace' }]);
});

t.test('a photo or an archive comes from standard input', async (t) => {
  for (const name of ['Ada', 'Grace']) await roomkin('forget', name, '--yes');
  const enrol = (input: Buffer): Promise<{ code: number | null; out: string; err: string }> =>
    new Promise((resolve) => {
      const args = ['enrol', 'Ada', '--photos', '-', '--json', '--config', at('config.toml')];
      const child = spawnCli(args, {}, 'pipe');
      let [out, err] = ['', ''];
      child.stdout!.on('data', (data) => {
        out += data;
      });
      child.stderr!.on('data', (data) => {
        err += data;
      });
      child.stdin!.on('error', () => {});
      child.stdin!.end(input);
      child.once('close', (code) => resolve({ code, out, err }));
    });
  const one = await enrol(faces.ada[0]!);
  t.match(JSON.parse(one.out), { people: [{ name: 'Ada', photos: 1, added: 1 }] }, one.err);
  mkdirSync(at('tar/sub'), { recursive: true });
  for (const i of [1, 2, 3]) writeFileSync(at('tar/sub', `${i}.jfif`), faces.ada[i]!);
  copyFileSync(at('config.toml'), at('tar/notes.txt'));
  writeFileSync(at('tar/._1.jpg'), 'fork');
  const archive = execFileSync('tar', ['cz', '-C', at('tar'), '.'], { maxBuffer: 1e8 });
  const many = await enrol(archive);
  t.match(
    JSON.parse(many.out),
    { people: [{ photos: 3, added: 3 }], summary: { files: 5, used: 3, passedOver: 2 } },
    many.err,
  );
  t.match((await json('show', 'Ada')).document.templates.map(({ file }: { file: string }) => file).join(), /1\.jfif/);
  const text = await enrol(Buffer.from('hello'));
  t.equal(text.code, 65);
  t.match(text.out, /neither a photo nor a tar archive/);
  t.equal((await enrol(archive.subarray(0, archive.length / 2))).code, 65);
});
