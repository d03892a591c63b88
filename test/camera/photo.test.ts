import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import t from 'tap';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import { folderContent, listPhotos } from '../../src/camera/photo-files.js';

t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'roomkin-photo-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

/** Left half red, right half blue, with enough noise for a realistic JPEG. */
function halves(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i += 1) {
    data[i * 3 + (i % width < width / 2 ? 0 : 2)] = 200 + ((i * 7919) % 50);
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

const solid = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#446688' } });
/** The same with one channel, which is written faster. */
const grey = (width: number, height: number): Sharp => solid(width, height).toColourspace('b-w');

/** 64x48 pixels, left half red, right half blue, HEVC: written with libheif and x265, because sharp cannot write HEIC. */
const drawnHeic =
  'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAFcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAF9tZGF0AAAAUygBrxOA+BDhp//8vyj/+SHPD86RmYn/+buFH9pOj/8+/Q7u9ul91c7VYce4h3lvpbEijYTacg29P4ijpkrW6ud4SW7DOtAyOu68Fs+GjkHtsIfu';

/** `red` or `blue`: the stronger channel at a position of the picture, as fractions of its size. */
function colour(picture: Awaited<ReturnType<typeof readPhoto>>, x: number, y: number): string {
  const i = Math.floor(y * picture.height) * picture.stride + Math.floor(x * picture.width) * 3;
  return picture.data[i]! > picture.data[i + 2]! ? 'red' : 'blue';
}

t.test('every usual format becomes upright 8-bit RGB', async (t) => {
  const picture = halves(64, 48);
  await picture.clone().jpeg().toFile(at('a.jpg'));
  await picture.clone().png().toFile(at('a.png'));
  await picture.clone().webp().toFile(at('a.webp'));
  await picture.clone().avif().toFile(at('a.avif'));
  await picture.clone().tiff().toFile(at('a.tiff'));
  await picture.clone().gif().toFile(at('a.gif'));
  await picture.clone().toColourspace('cmyk').jpeg().toFile(at('cmyk.jpg'));
  await picture.clone().toColourspace('rgb16').png().toFile(at('deep.png'));
  await picture.clone().ensureAlpha(0.9).png().toFile(at('alpha.png'));
  await picture.clone().jpeg().toFile(at('brackets[page=3].jpg'));
  for (const name of [
    'a.jpg',
    'a.png',
    'a.webp',
    'a.avif',
    'a.tiff',
    'a.gif',
    'cmyk.jpg',
    'deep.png',
    'alpha.png',
    'brackets[page=3].jpg',
  ]) {
    const read = await readPhoto(at(name));
    t.same([read.width, read.height, read.stride, read.data.length], [64, 48, 192, 64 * 48 * 3], name);
    t.same([colour(read, 0.2, 0.5), colour(read, 0.8, 0.5)], ['red', 'blue'], name);
  }
  await picture.clone().greyscale().png().toFile(at('grey.png'));
  t.equal((await readPhoto(at('grey.png'))).data.length, 64 * 48 * 3);
  const frame = photoFrame(await readPhoto(at('a.jpg')));
  t.same([frame.format, frame.capturedAt, frame.sequence], ['rgb', 0, 0]);
});

t.test('a photo is turned upright and shrunk, and its original size is kept', async (t) => {
  await halves(600, 400).withMetadata({ orientation: 6 }).jpeg().toFile(at('turned.jpg'));
  const read = await readPhoto(at('turned.jpg'), { maxEdgePx: 300 });
  t.same([read.width, read.height, read.originalWidth, read.originalHeight], [200, 300, 400, 600]);
  t.same([colour(read, 0.5, 0.2), colour(read, 0.5, 0.8)], ['red', 'blue'], 'left became top');
});

t.test('the same bytes are the same photo under any name', async (t) => {
  const bytes = await halves(64, 48).jpeg().toBuffer();
  writeFileSync(at('one.jpg'), bytes);
  writeFileSync(at('two.jpg'), bytes);
  t.same((await readPhoto(at('one.jpg'))).sha256, (await readPhoto(at('two.jpg'))).sha256);
});

t.test('a file that is not a whole photo is refused with one line that names it', async (t) => {
  const jpeg = await halves(400, 300).jpeg().toBuffer();
  const png = await halves(400, 300).png().toBuffer();
  writeFileSync(at('empty.jpg'), '');
  writeFileSync(at('cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
  writeFileSync(at('cut.png'), png.subarray(0, png.length / 2));
  writeFileSync(at('text.jpg'), 'this is no picture');
  writeFileSync(at('drawing.jpg'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>');
  mkdirSync(at('folder.jpg'));
  execFileSync('mkfifo', [at('pipe.jpg')]);
  const cases: [string, RegExp][] = [
    ['empty.jpg', /is empty/],
    ['cut.jpg', /damaged or truncated/],
    ['cut.png', /damaged or truncated/],
    ['text.jpg', /not an image/],
    ['drawing.jpg', /drawing, not a photo/],
    ['folder.jpg', /is a folder/],
    ['pipe.jpg', /not a regular file/],
    ['missing.jpg', /is not there/],
    ['zero\0.jpg', /not a possible path/],
    ['x'.repeat(300), /not a possible path/],
  ];
  for (const [name, why] of cases) {
    const error = await readPhoto(at(name)).then(
      () => null,
      (cause: unknown) => cause as { code: string; message: string },
    );
    t.equal(error?.code, 'PHOTO_UNREADABLE', why.source);
    t.match(error?.message, why);
    t.ok(error?.message.startsWith(folder));
  }
});

t.test('bytes after the end of a photo are ignored', async (t) => {
  writeFileSync(at('trailing.jpg'), Buffer.concat([await halves(64, 48).jpeg().toBuffer(), Buffer.alloc(1000)]));
  t.equal((await readPhoto(at('trailing.jpg'))).width, 64);
});

t.test('memory stays under 250 MB with every photo', { timeout: 100_000 }, async (t) => {
  const big: [string, () => Promise<unknown>, boolean][] = [
    ['bomb.png', () => grey(8001, 8001).png({ compressionLevel: 1 }).toFile(at('bomb.png')), false],
    ['bomb.jpg', () => grey(8001, 8001).jpeg().toFile(at('bomb.jpg')), false],
    ['progressive-27.jpg', () => solid(6200, 4400).jpeg({ progressive: true }).toFile(at('progressive-27.jpg')), true],
    ['interlaced-27.png', () => solid(6200, 4400).png({ progressive: true }).toFile(at('interlaced-27.png')), true],
  ];
  const photo = fileURLToPath(new URL('../../src/camera/photo.js', import.meta.url));
  const reader = `import(${JSON.stringify(photo)})
    .then(({ readPhoto }) => readPhoto(process.argv[1]))
    .then(() => 'read', (error) => error.code)
    .then((outcome) => console.log(JSON.stringify([outcome, process.resourceUsage().maxRSS / 1024])))`;
  for (const [name, make, readable] of big) {
    await make();
    const { stdout } = spawnSync(process.execPath, ['-e', reader, '--', at(name)], { encoding: 'utf8' });
    const [outcome, megabytes] = JSON.parse(stdout) as [string, number];
    t.equal(outcome, readable ? 'read' : 'PHOTO_TOO_LARGE', name);
    t.ok(megabytes < 250, `${name}: ${Math.round(megabytes)} MB`);
  }
});

t.test('a folder gives its photos in natural order', async (t) => {
  const album = at('album');
  mkdirSync(join(album, 'below'), { recursive: true });
  for (const name of [
    '10.jpg',
    '2.JPG',
    '1.png',
    'notes.txt',
    '.hidden.jpg',
    'b.heic',
    '1.xmp',
    'raw.dng',
    'Thumbs.db',
  ])
    writeFileSync(join(album, name), 'x');
  t.same(
    await listPhotos(album),
    ['1.png', '2.JPG', '10.jpg', 'b.heic'].map((name) => join(album, name)),
    'a file with the name of a photo is told when it is none',
  );
  t.same(
    await listPhotos(join(album, 'notes.txt')),
    [join(album, 'notes.txt')],
    'a file gives itself, whatever its name',
  );
  await t.rejects(listPhotos(join(album, 'below')), { code: 'FOLDER_EMPTY' });
  await t.rejects(listPhotos(join(album, 'nowhere')), { code: 'PHOTO_UNREADABLE' });
});

t.test('the content decides what is a photo, and everything else is passed over with a reason', async (t) => {
  const mixed = at('mixed');
  const jpeg = await halves(64, 48).jpeg().toBuffer();
  const put = (name: string, bytes: Buffer | string): void => {
    mkdirSync(join(mixed, name, '..'), { recursive: true });
    writeFileSync(join(mixed, name), bytes);
  };
  for (const name of ['chat.jfif', 'P1.JPE', 'photo_2024', 'wrong.png', 'story.txt']) put(name, jpeg);
  put('clip.mov', Buffer.from('\0\0\0\x14ftypqt  \0\0\0\0', 'latin1'));
  put('old.bmp', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]));
  put('1.aae', 'x');
  put('._1.jpg', jpeg);
  put('2024/inside.jpg', jpeg);
  put('2024/deep/er.jpg', jpeg);
  put('@eaDir/1.jpg/thumb.jpg', jpeg);
  put('__MACOSX/._1.jpg', jpeg);
  put('.thumbnails/1.jpg', jpeg);
  put('empty', '');
  execFileSync('mkfifo', [join(mixed, 'pipe')]);
  symlinkSync(mixed, join(mixed, 'loop'));
  symlinkSync(join(mixed, 'P1.JPE'), join(mixed, 'linked'));
  const { photos, passedOver } = await folderContent(mixed);
  t.same(
    photos.map((file) => relative(mixed, file)),
    ['chat.jfif', 'linked', 'P1.JPE', 'photo_2024', 'story.txt', 'wrong.png'],
  );
  const reasons = Object.fromEntries(passedOver.map(({ file, reason }) => [relative(mixed, file), reason]));
  t.same(reasons, {
    '._1.jpg': 'hidden',
    '.thumbnails/1.jpg': 'hidden',
    '@eaDir/1.jpg/thumb.jpg': 'system',
    '__MACOSX/._1.jpg': 'system',
    '1.aae': 'sidecar',
    '2024/deep/er.jpg': 'subfolder',
    '2024/inside.jpg': 'subfolder',
    'clip.mov': 'video',
    'old.bmp': 'picture',
    empty: 'other',
    loop: 'special',
    pipe: 'special',
  });
});

t.test('10,000 mixed files in a folder are each a photo or passed over', async (t) => {
  const many = at('many');
  mkdirSync(join(many, 'sub'), { recursive: true });
  const jpeg = await halves(16, 16).jpeg().toBuffer();
  for (let i = 0; i < 10_000; i++) {
    const name = [`${i}.jpg`, `IMG_${i}`, `${i}.xmp`, `${i}.txt`, `._${i}.jpg`, `sub/${i}.jpg`, `${i}.mp4`, `${i}.jpe`][
      i % 8
    ]!;
    writeFileSync(join(many, name), [2, 3, 6].includes(i % 8) ? `${i}` : jpeg);
  }
  const { photos, passedOver } = await folderContent(many);
  t.equal(new Set([...photos, ...passedOver.map(({ file }) => file)]).size, 10_000);
  t.equal(photos.length, 3750);
});

t.test('a photo that lacks its last bytes is read, and it is told', async (t) => {
  const jpeg = await halves(400, 300).jpeg().toBuffer();
  writeFileSync(at('whole.jpg'), jpeg);
  t.equal((await readPhoto(at('whole.jpg'))).damage, null);
  for (const [name, bytes, what] of [
    ['no-end.jpg', jpeg.subarray(0, jpeg.length - 2), /^is damaged: the end of the file is missing/],
    ['cut-at-the-end.jpg', jpeg.subarray(0, Math.round(jpeg.length * 0.92)), /^is damaged: the last \d %/],
  ] as const) {
    writeFileSync(at(name), bytes);
    const read = await readPhoto(at(name));
    t.match(read.damage, what, name);
    t.same([read.width, read.height, colour(read, 0.2, 0.5)], [400, 300, 'red']);
  }
});

t.test('a HEIC photo is read, and one that is too large or damaged is refused', async (t) => {
  const heic = Buffer.from(drawnHeic, 'base64');
  writeFileSync(at('IMG_1.HEIC'), heic);
  const read = await readPhoto(at('IMG_1.HEIC'));
  t.same([read.width, read.height, read.originalWidth, read.data.length], [64, 48, 64, 64 * 48 * 3]);
  t.same([colour(read, 0.2, 0.5), colour(read, 0.8, 0.5)], ['red', 'blue']);
  t.same((await readPhoto(at('IMG_1.HEIC'), { maxEdgePx: 32 })).width, 32);
  await t.rejects(readPhoto(at('IMG_1.HEIC'), { maxPixels: 1000 }), { code: 'PHOTO_TOO_LARGE', message: /HEIC/ });
  writeFileSync(at('cut.heic'), heic.subarray(0, heic.length - 80));
  await t.rejects(readPhoto(at('cut.heic')), { code: 'PHOTO_UNREADABLE' });
});
