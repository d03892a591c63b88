// Measures how often photos that two people of a household have swapped are found, and how often right photos are said to be misplaced.
// Portraits of ../shared/eval/people are analysed as by `roomkin enrol --from`; households of them are drawn.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/swaps.js [PHOTOS] [all]
//
// With 10 photos of each of 100 people it takes 15 minutes of one x86 core.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Random, seededRandom, shuffled } from '../../src/commands/evaluate/random.js';
import { analysePhoto, isBad } from '../../src/commands/photo-analysis.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { templateCandidate } from '../../src/gallery/enrolment.js';
import { type MisplacedLimits, misplaced, misplacedLimits } from '../../src/gallery/misplaced.js';
import { evaluationFolder } from './recall.js';

/** The embeddings of the photos that enrolment takes, by person. */
export type Portraits = ReadonlyMap<string, readonly Float32Array[]>;

/** What is drawn: households without a swap, and households in which two people have swapped photos. */
export interface SwapPlan {
  readonly household: number;
  /** Photos of each person. */
  readonly photos: number;
  /** Photos that each of the two people has of the other one; 0: nothing is swapped. */
  readonly swapped: number;
  readonly draws: number;
}

export interface SwapResult {
  readonly photos: number;
  /** Photos that were swapped, those of them that were found, and those whose right person was named. */
  readonly swapped: number;
  readonly found: number;
  readonly named: number;
  /** Right photos that were said to be misplaced, and households with one. */
  readonly falseAlarms: number;
  readonly alarmedHouseholds: number;
  readonly households: number;
}

/** `folder` contains `people`. The first `photos` photos of each person; `progress` is called for each person. */
export async function readPortraits(
  folder: string,
  photos: number,
  people: number,
  progress: (text: string) => void = () => {},
): Promise<Portraits> {
  await using engine = createEngine({ threads: 1 });
  await engine.start();
  const portraits = new Map<string, Float32Array[]>();
  const names = readdirSync(join(folder, 'people')).sort().slice(0, people);
  for (const [index, name] of names.entries()) {
    progress(`person ${index + 1} of ${names.length}`);
    const vectors: Float32Array[] = [];
    for (const file of readdirSync(join(folder, 'people', name))
      .sort()
      .slice(0, photos)) {
      const photo = await analysePhoto(engine, join(folder, 'people', name, file), undefined, 'portrait');
      if (isBad(photo)) continue;
      const candidate = templateCandidate(photo.faces, photo.picture.width, photo.picture.height, null);
      if ('face' in candidate) vectors.push(candidate.face.embedding);
    }
    portraits.set(name, vectors);
  }
  return portraits;
}

interface DrawnPhoto {
  readonly vector: Float32Array;
  readonly shows: string;
}

/** Deterministic. */
export function measureSwaps(
  portraits: Portraits,
  { household, photos, swapped, draws }: SwapPlan,
  limits: MisplacedLimits = misplacedLimits,
): SwapResult {
  const random = seededRandom(7);
  const names = [...portraits].filter(([, { length }]) => length >= photos).map(([name]) => name);
  const result = { photos: 0, swapped: 0, found: 0, named: 0, falseAlarms: 0, alarmedHouseholds: 0, households: 0 };
  for (let draw = 0; draw < draws; draw++) {
    const members = shuffled(names, random).slice(0, household);
    const filed = members.map((name) => drawn(name, portraits.get(name)!, photos, random));
    const [one, other] = filed as [DrawnPhoto[], DrawnPhoto[]];
    const [ofOne, ofOther] = [one.splice(0, swapped), other.splice(0, swapped)];
    one.push(...ofOther);
    other.push(...ofOne);
    const told = misplaced(
      filed.map((own) => ({ photos: own })),
      limits,
    );
    const right = told.filter(({ photo, from }) => photo.shows === members[from]);
    result.households++;
    result.photos += household * photos;
    result.swapped += 2 * swapped;
    result.found += told.length - right.length;
    result.named += told.filter(
      ({ photo, from, to }) => photo.shows !== members[from] && photo.shows === members[to],
    ).length;
    result.falseAlarms += right.length;
    if (right.length > 0) result.alarmedHouseholds++;
  }
  return result;
}

function drawn(name: string, vectors: readonly Float32Array[], photos: number, random: Random): DrawnPhoto[] {
  return shuffled(vectors, random)
    .slice(0, photos)
    .map((vector) => ({ vector, shows: name }));
}

/** Households of 2 and 5 people with 5 photos each: none swapped, one swapped, two swapped. */
export const swapPlans: readonly SwapPlan[] = [2, 5].flatMap((household) =>
  [0, 1, 2].map((swapped) => ({ household, photos: 5, swapped, draws: 1000 })),
);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = evaluationFolder();
  if (folder === null) process.stdout.write('skipped: the folder ../shared/eval does not exist\n');
  else {
    const progress = (text: string) => process.stderr.write(`\r${text}`);
    const portraits = await readPortraits(folder, Number(process.argv[2] ?? 10), 100, progress);
    const all = [0.3, 0.35, 0.4, 0.45, 0.5].flatMap((similarity) =>
      [0.05, 0.1, 0.15, 0.2, 0.25].map((lead) => ({ similarity, lead })),
    );
    const candidates = process.argv[3] === 'all' ? all : [misplacedLimits];
    process.stdout.write(
      '| similarity | lead | people | swapped | found | named | false alarms | households with one |\n',
    );
    process.stdout.write('|---|---|---|---|---|---|---|---|\n');
    for (const limits of candidates) {
      for (const plan of swapPlans) {
        const { swapped, found, named, falseAlarms, photos, alarmedHouseholds, households } = measureSwaps(
          portraits,
          plan,
          limits,
        );
        const cells = [
          limits.similarity,
          limits.lead,
          plan.household,
          `${plan.swapped} of ${plan.photos}`,
          swapped === 0 ? '-' : `${((100 * found) / swapped).toFixed(1)} %`,
          swapped === 0 ? '-' : `${((100 * named) / swapped).toFixed(1)} %`,
          `${((100 * falseAlarms) / (photos - swapped)).toFixed(2)} %`,
          `${((100 * alarmedHouseholds) / households).toFixed(1)} %`,
        ];
        process.stdout.write(`| ${cells.join(' | ')} |\n`);
      }
    }
  }
}
