// roomkin evaluate as a process, on portraits cut out of a package's sample pictures; on the development pairs where they lie
// beside the checkout.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { parsePairs } from '../../src/commands/evaluate/pairs-verb.js';
import { runVerb } from '../helpers/cli.js';

t.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'roomkin-evaluate-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const sample = (number: number): string =>
  join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', `sample${number}.jpg`);
const portraits = {
  ada: { number: 5, box: { left: 180, top: 740, width: 560, height: 560 } },
  bob: { number: 6, box: { left: 1400, top: 130, width: 480, height: 560 } },
  cy: { number: 1, box: { left: 150, top: 180, width: 600, height: 640 } },
};
for (const [name, { number, box }] of Object.entries(portraits)) {
  mkdirSync(join(folder, 'people', name), { recursive: true });
  const to = (file: string) => join(folder, 'people', name, file);
  const cut = () => sharp(sample(number)).extract(box);
  await cut().resize(300).jpeg().toFile(to('1.jpg'));
  await cut().flop().resize(300).jpeg().toFile(to('2.jpg'));
  await cut().linear(0.6, 0).resize(200).jpeg().toFile(to('3.jpg'));
}
const images = join(folder, 'people');
delete process.env['ROOMKIN_CONFIG'];
const evaluate = (...args: string[]) => runVerb(['evaluate', ...args]);

function pairsFile(text: string): string {
  const path = join(folder, 'pairs.txt');
  writeFileSync(path, text);
  return path;
}
const goodPairs = `# label fold imageA imageB kind
1 0 ada/1.jpg ada/2.jpg easy
1 0 bob/1.jpg bob/3.jpg dark
1 1 cy/1.jpg cy/2.jpg easy
0 0 ada/1.jpg bob/1.jpg
0 1 bob/1.jpg cy/1.jpg easy

0 1 cy/3.jpg ada/3.jpg dark
`;

t.test('pairs of clear portraits are decided correctly, without a configuration', async (t) => {
  const { code, stdout, stderr } = await evaluate(
    'pairs',
    '--images',
    images,
    '--pairs',
    pairsFile(goodPairs),
    '--json',
  );
  t.equal(code, 0, stderr);
  t.equal(stdout.trimEnd().split('\n').length, 1, 'one document');
  const result = JSON.parse(stdout);
  t.match(result, { pairs: 6, images: 8, undetected: 0, accuracy: 1, accuracyStd: 0, eer: 0 });
  t.match(result.tarAtFar, { '0.01': 1, '0.001': 1 });
  t.match(result.perKind, { easy: { pairs: 3, accuracy: 1 }, dark: { pairs: 2, accuracy: 1 } });
  t.ok(result.threshold > 0.1 && result.threshold < 0.9);
});

t.test('a pair with an undetected face is a wrong decision', async (t) => {
  const grey = { create: { width: 300, height: 300, channels: 3, background: '#777777' } } as const;
  await sharp(grey).jpeg().toFile(join(images, 'grey.jpg'));
  const pairs = pairsFile(`${goodPairs}0 0 grey.jpg ada/1.jpg\n1 1 ada/1.jpg grey.jpg\n`);
  const { stdout } = await evaluate('pairs', '--images', images, '--pairs', pairs, '--json');
  t.match(JSON.parse(stdout), { pairs: 8, undetected: 1, accuracy: 0.75 });
  rmSync(join(images, 'grey.jpg'));
});

t.test('degraded probes are the same for the same seed', async (t) => {
  const pairs = pairsFile('1 0 ada/1.jpg ada/2.jpg\n0 1 bob/1.jpg ada/1.jpg\n');
  const args = ['pairs', '--images', images, '--pairs', pairs, '--degrade', 'low', '--json'];
  const first = await evaluate(...args);
  t.equal((await evaluate(...args)).stdout, first.stdout);
  t.equal(JSON.parse(first.stdout).pairs, 2);
});

t.test('households from folders', async (t) => {
  const args = ['household', '--images', images, '--people', '2', '--references', '1', '--trials', '6', '--seed', '4'];
  const { code, stdout, stderr } = await evaluate(...args, '--json');
  t.equal(code, 0, stderr);
  const none = { '0.01': 0, '0.001': 0 };
  const shipped = { fnir: 0, fpir: 0, misidentified: 0 };
  t.match(JSON.parse(stdout), {
    ...{ households: 6, people: 2, references: 1, images: 9, undetected: 0, probes: 24, strangers: 18 },
    fnirAtFpir: none,
    atShippedThreshold: shipped,
    tracks: null,
  });
});

t.test('the DET curve with the teacher and an earlier result', async (t) => {
  const args = ['household', '--images', images, '--people', '2', '--references', '1', '--trials', '2'];
  const [old, svg] = [join(folder, 'old.json'), join(folder, 'det.svg')];
  const json = await evaluate(...args, '--json');
  writeFileSync(old, json.stdout);
  writeFileSync(svg, 'it is replaced');
  const { code, stdout, stderr } = await evaluate(...args, '--plot', svg, '--compare', old);
  t.equal(code, 0, stderr);
  const words = stdout.replaceAll(/\s+/g, ' ');
  t.match(words, /DET curve of resnet50-w100 \(roomkin .*\), mobilefacenet \(teacher\), old\.json \(resnet50-w100\): /);
  const drawn = readFileSync(svg, 'utf8');
  t.match(drawn, /<desc id="description">.*mobilefacenet \(teacher\): single pictures/);
  t.equal(drawn.match(/<polyline /g)?.length, 3);
  t.equal((await sharp(svg).metadata()).format, 'svg');
});

t.test('an evaluation that cannot run ends with a clear line', async (t) => {
  const refused = async (code: number, line: RegExp, ...args: string[]) => {
    const result = await evaluate(...args);
    t.equal(result.code, code, args.join(' '));
    t.match(result.stderr, line);
    t.equal(result.stdout, '');
  };
  const bad = pairsFile('1 0 a.jpg b.jpg\n2 0 a.jpg b.jpg\n');
  await refused(
    65,
    /^roomkin: PAIRS_MALFORMED: .*pairs\.txt:2: label 2 /m,
    'pairs',
    '--images',
    images,
    '--pairs',
    bad,
  );
  await refused(65, /PAIRS_MALFORMED: cannot read/, 'pairs', '--images', images, '--pairs', join(folder, 'no.txt'));
  const gone = join(folder, 'gone.txt');
  writeFileSync(gone, '1 0 ada/1.jpg ada/9.jpg\n');
  await refused(65, /PHOTO_UNREADABLE: .*9\.jpg is not there/, 'pairs', '--images', images, '--pairs', gone);
  await refused(64, /USAGE: .*pairs or household/, 'people');
  await refused(64, /USAGE: --images DIR is needed/, 'household');
  await refused(64, /USAGE: --people must be a whole number/, 'household', '--images', images, '--people', '0');
  await refused(64, /USAGE: --degrade must be one of: low/, 'household', '--images', images, '--degrade', 'high');
  await refused(64, /USAGE: --limit is not for household/, 'household', '--images', images, '--limit', '3');
  const out = join(folder, 'out.svg');
  const plot = (...more: string[]) => ['household', '--images', images, '--plot', ...more];
  await refused(64, /USAGE: --compare needs --plot/, 'household', '--images', images, '--compare', out);
  await refused(64, /USAGE: .*out\.png must end with \.svg/, ...plot(join(folder, 'out.png')));
  await refused(74, /OUTPUT: .*none.*cannot be written \(ENOENT\): choose/, ...plot(join(folder, 'none', 'out.svg')));
  mkdirSync(join(folder, 'folder.svg'));
  await refused(74, /OUTPUT: .*folder\.svg cannot be written/, ...plot(join(folder, 'folder.svg')));
  await refused(65, /RESULT_REFUSED: .*is not complete JSON/, ...plot(out, '--compare', bad));
  t.notOk(existsSync(out));
  await refused(65, /FOLDER_EMPTY: .*fewer --people or --references/, 'household', '--images', images);
});

t.test('pairs files: comments, blank lines, and the number of a wrong line', async (t) => {
  t.strictSame(parsePairs('# c\r\n\r\n1 a x y # why\r\n0 b x z kind\r\n', 'f'), [
    { same: true, fold: 'a', a: 'x', b: 'y', kind: null },
    { same: false, fold: 'b', a: 'x', b: 'z', kind: 'kind' },
  ]);
  t.throws(() => parsePairs('1 0 a\n', 'f'), { code: 'PAIRS_MALFORMED', message: /^f:1: 3 words/ });
  t.throws(() => parsePairs('1 0 a b c d\n', 'f'), { message: /^f:1: 6 words/ });
  t.throws(() => parsePairs('# nothing\n', 'f'), { message: /contains no pair/ });
});

t.test('the development pairs', async (t) => {
  const limit = Number(process.env['ROOMKIN_PAIRS'] ?? 20);
  const shared = process.env['ROOMKIN_SHARED'] ?? join(packageRoot, '..', 'shared');
  const lfw = join(shared, 'eval', 'lfw-dev');
  if (!existsSync(lfw)) return t.comment(`left out: ${lfw} is not here`);
  const pairs = join(lfw, 'pairs.txt');
  const { stdout } = await evaluate(
    'pairs',
    '--images',
    join(lfw, 'images'),
    '--pairs',
    pairs,
    '--limit',
    String(limit),
    '--json',
  );
  const { pairs: count, accuracy, undetected } = JSON.parse(stdout);
  t.equal(count, limit);
  t.ok(accuracy >= 0.95, `${accuracy} of ${limit} pairs`);
  t.ok(undetected <= 1);
});
