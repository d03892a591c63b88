import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { detCurve, fnirAt, readResult } from '../../../src/commands/evaluate/det.js';
import { detPlot } from '../../../src/commands/evaluate/det-plot.js';
import { teacherOf } from '../../../src/commands/evaluate/plot.js';
import { thresholdAtRate } from '../../../src/commands/evaluate/verification.js';
import { readManifest } from '../../../src/engine/manifest.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkin-det-'));
t.teardown(() => rmSync(folder, { recursive: true }));

t.test('the curve of few scores has every step', async (t) => {
  const never = Number.NEGATIVE_INFINITY;
  t.strictSame(detCurve([0.9, 0.5, 0.35, never], [0.6, 0.4, 0.2, 0.1]), [
    { fpir: 0.25, fnir: 0.5 },
    { fpir: 0.5, fnir: 0.25 },
    { fpir: 0.75, fnir: 0.25 },
    { fpir: 1, fnir: 0.25 },
  ]);
  t.strictSame(detCurve([1], [0.5, 0.5, 0.5]), [{ fpir: 1, fnir: 0 }], 'equal scores pass together');
  t.strictSame(detCurve([1], [0.5, never]), [{ fpir: 0.5, fnir: 0 }], 'an undetected face never passes');
});

t.test('the curve of many scores rises, is short, and has the rates that the evaluations print', async (t) => {
  const impostors = Array.from({ length: 30_000 }, (_, i) => Math.sin(i) * 0.5);
  const genuine = Array.from({ length: 3000 }, (_, i) => 0.4 + Math.sin(7 * i) * 0.3);
  const curve = detCurve(genuine, impostors);
  t.ok(curve.length > 60 && curve.length < 110, `${curve.length}`);
  for (const [i, { fpir, fnir }] of curve.entries()) {
    t.ok(i === 0 || fpir > curve[i - 1]!.fpir);
    t.ok(i === 0 || fnir <= curve[i - 1]!.fnir);
  }
  for (const rate of [0.001, 0.002, 0.01]) {
    const threshold = thresholdAtRate(impostors, rate);
    t.equal(fnirAt(curve, rate), genuine.filter((score) => score <= threshold).length / genuine.length);
  }
  t.equal(fnirAt(detCurve([1], [0.1, 0.2]), 0.01), null, 'too few impostors for that rate');
});

const curve = [
  { fpir: 0.001, fnir: 0.2 },
  { fpir: 0.01, fnir: 0.05 },
  { fpir: 1, fnir: 0 },
];
const household = { embedder: 'net', households: 3, det: curve, tracks: { looks: 5, det: curve } };

t.test('results of earlier evaluations are read, and others are refused with a sentence', async (t) => {
  const file = (text: string | Uint8Array): string => {
    writeFileSync(join(folder, 'result.json'), text);
    return join(folder, 'result.json');
  };
  const result = {
    embedder: 'net',
    curves: [
      { title: 'Single pictures', curve },
      { title: 'Tracks of 5 observations', curve },
    ],
  };
  t.strictSame(await readResult(file(JSON.stringify(household)), 'household'), result);
  t.strictSame(
    await readResult(file(Buffer.from(`\ufeff${JSON.stringify(household)}`, 'utf16le')), 'household'),
    result,
  );
  t.strictSame(await readResult(file(JSON.stringify({ embedder: 'net', pairs: 4, det: null })), 'pairs'), {
    embedder: 'net',
    curves: [],
  });
  const refused: [string, RegExp][] = [
    [file(JSON.stringify(household).slice(0, 50)), /is not complete JSON: make it with roomkin evaluate household/],
    [join(folder, 'none.json'), /cannot be read \(ENOENT\)/],
    [folder, /is not a file/],
    ['/dev/zero', /is not a file/],
  ];
  for (const [path, message] of refused)
    await t.rejects(readResult(path, 'household'), { code: 'RESULT_REFUSED', message });
  const wrong: [unknown, RegExp][] = [
    [{ embedder: 'net', pairs: 4, det: curve }, /not the result of evaluate household of this version \("households"/],
    [{ ...household, det: undefined }, /\("det" is missing or wrong\)/],
    [{ ...household, det: [] }, /"det"/],
    [{ ...household, det: [{ fpir: 0, fnir: 0 }] }, /"det\.0\.fpir"/],
    [{ ...household, det: [{ fpir: 0.5, fnir: 2 }] }, /"det\.0\.fnir"/],
    [[], /of this version/],
    [null, /of this version/],
    ['\u0000\u001b', /of this version/],
  ];
  for (const [document, message] of wrong)
    await t.rejects(readResult(file(JSON.stringify(document)), 'household'), { code: 'RESULT_REFUSED', message });
  await t.rejects(readResult(file(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)), 'household'), { code: 'RESULT_REFUSED' });
});

t.test('the picture has a title, the figures in words, and one line for each curve', async (t) => {
  const result = {
    embedder: 'net',
    curves: [
      { title: 'Single pictures', curve },
      { title: 'Tracks of 5 observations', curve },
    ],
  };
  const drawn = [
    { label: 'net', result },
    { label: '<old> & "bad"\u0007', result: { ...result, curves: result.curves.slice(0, 1) } },
  ];
  const svg = detPlot(drawn, 'household');
  t.match(svg, /role="img" aria-labelledby="title description"/);
  t.match(svg, /<title id="title">DET curve: FNIR over FPIR<\/title>/);
  t.match(svg, /<desc id="description">[^<]*net: single pictures FNIR 5 % at FPIR 1 %, tracks of 5 obs/);
  t.match(svg, /&lt;old&gt; &amp; &quot;bad&quot;\\u0007/);
  t.match(svg, /prefers-color-scheme: dark/);
  t.notMatch(svg, /<script|<old>|href|NaN|undefined|Infinity|\u0007/);
  const lines = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) => points!.split(' '));
  t.same(
    lines.map(({ length }) => length),
    [3, 3, 3],
  );
  // FPIR from 0.1 % to 100 % is three decades, FNIR from 1 % two; the panel is 400 by 300 from (76, 76).
  t.same(lines[0], [
    `76,${fixed(76 + 150 * -Math.log10(0.2))}`,
    `${fixed(76 + 400 / 3)},${fixed(76 + 150 * -Math.log10(0.05))}`,
    '476,376',
  ]);
  t.match(detPlot(drawn, 'pairs'), /5 % rejected where 1 % are accepted/);
  t.match(detPlot([{ label: 'net', result: { ...result, curves: [] } }], 'pairs'), /net: no curve/);
});

const fixed = (value: number): number => Math.round(10 * value) / 10;

t.test('the teacher of the shipped embedder is the float model of its space', async (t) => {
  const manifest = readManifest();
  t.equal(teacherOf(manifest, 'resnet50-w100')?.id, 'mobilefacenet');
  t.equal(teacherOf(manifest, 'mobilefacenet'), null);
  t.equal(teacherOf(manifest, 'another'), null);
});
