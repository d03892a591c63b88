// Measures how often a resident is announced as a stranger, and how often a stranger is told, when faces are turned, hidden in part,
// overexposed, dark, blurred or far. Portraits of ../shared/eval/people are drawn (drawn-faces.ts), each drawn face is analysed as by the
// daemon, and tracks of it go through the room's decision step, with the shipped options and a calibrated gallery.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/strangers.js [PEOPLE]
//
// With 100 people it takes 40 minutes of one x86 core.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import { seededRandom, seedOf, shuffled } from '../../src/commands/evaluate/random.js';
import { shippedConfig } from '../../src/config/load.js';
import { createCalibrator } from '../../src/config/parts.js';
import type { Engine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { primaryFace } from '../../src/gallery/enrolment.js';
import type { Gallery } from '../../src/gallery/person.js';
import { roomOptionsFor } from '../../src/room/options.js';
import { startRoom, step } from '../../src/room/step.js';
import type { Face } from '../../src/vision/face.js';
import { drawFrame, frameSize, jittered, type Subject, situations } from './drawn-faces.js';
import { evaluationFolder } from './recall.js';

/** A track lasts three seconds at ten frames a second; a face is drawn this often and shown in turn. */
const [framesPerTrack, intervalMs, drawnPerTrack] = [30, 100, 2];

/** The decisions on the tracks of one situation. */
export interface SituationResult {
  readonly situation: string;
  /** Tracks of residents, and those in which a stranger was announced, the right name or a wrong one was given. */
  readonly residents: number;
  readonly mistaken: number;
  readonly named: number;
  readonly wrong: number;
  /** Tracks of strangers, and those that were told, or named. */
  readonly strangers: number;
  readonly told: number;
  readonly misnamed: number;
}

export interface StrangersPlan {
  readonly people: number;
  readonly household: number;
  readonly references: number;
  /** Photos of each person that are drawn, by their position in the folder. */
  readonly probes: readonly number[];
  /** The situations to draw; null: all. */
  readonly only: readonly string[] | null;
  readonly progress?: (text: string) => void;
}

export const wholePlan = { people: 100, household: 5, references: 5, probes: [7, 9], only: null } as const;

interface DrawnTrack {
  readonly person: string;
  readonly situation: string;
  readonly faces: readonly (Face | null)[];
}

/** `folder` contains `people`. Deterministic. */
export async function measureStrangers(folder: string, plan: StrangersPlan): Promise<SituationResult[]> {
  await using engine = createEngine({ threads: 1 });
  const { embedder, space } = await engine.start();
  const options = roomOptionsFor(embedder);
  const { calibrated } = createCalibrator(shippedConfig(), space, options);
  const names = readdirSync(join(folder, 'people')).sort().slice(0, plan.people);
  const drawn = situations.filter(({ name }) => plan.only === null || plan.only.includes(name));
  const references = new Map<string, Float32Array[]>();
  const tracks: DrawnTrack[] = [];
  for (const [index, name] of names.entries()) {
    plan.progress?.(`person ${index + 1} of ${names.length}`);
    const files = readdirSync(join(folder, 'people', name))
      .sort()
      .map((file) => join(folder, 'people', name, file));
    const faces = await Promise.all(
      files.slice(0, plan.references).map(async (file) => (await portrait(engine, file, true)).face),
    );
    references.set(
      name,
      faces.flatMap((face) => (face?.embedding ? [face.embedding] : [])),
    );
    for (const probe of plan.probes) {
      const { subject } = await portrait(engine, files[probe]!, false);
      if (subject === null) continue;
      for (const situation of drawn) tracks.push(await drawTrack(engine, subject, situation, `${name} ${probe}`, name));
    }
  }
  const results = new Map(drawn.map(({ name }) => [name, emptyResult(name)]));
  const order = shuffled(names, seededRandom(5));
  const households = Math.floor(order.length / plan.household);
  for (let h = 0; h < households; h++) {
    const members = order.slice(h * plan.household, (h + 1) * plan.household);
    // Strangers of this household: the people of the next one.
    const next = (h + 1) % households;
    const others = order.slice(next * plan.household, (next + 1) * plan.household);
    const gallery = calibrated(galleryOf(space, members, references));
    for (const track of tracks) {
      const isResident = members.includes(track.person);
      if (!isResident && !others.includes(track.person)) continue;
      count(results.get(track.situation)!, track.person, isResident, announced(track, gallery, options));
    }
  }
  return [...results.values()];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function emptyResult(situation: string): Mutable<SituationResult> {
  return { situation, residents: 0, mistaken: 0, named: 0, wrong: 0, strangers: 0, told: 0, misnamed: 0 };
}

function count(
  result: Mutable<SituationResult>,
  person: string,
  isResident: boolean,
  events: ReadonlySet<string>,
): void {
  const isStranger = events.has('stranger');
  const others = [...events].some((event) => event !== 'stranger' && event !== person);
  if (isResident) {
    result.residents++;
    if (isStranger) result.mistaken++;
    if (events.has(person)) result.named++;
    if (others) result.wrong++;
  } else {
    result.strangers++;
    if (isStranger) result.told++;
    if (others) result.misnamed++;
  }
}

async function portrait(engine: Engine, file: string, embed: boolean) {
  const photo = await readPhoto(file);
  const { faces } = await engine.analyze(photoFrame(photo), { search: 'portrait', embed, mirror: true });
  const face = primaryFace(faces, photo.width, photo.height);
  const subject: Subject | null = face && { picture: photoFrame(photo), landmarks: face.landmarks };
  return { face, subject };
}

async function drawTrack(
  engine: Engine,
  subject: Subject,
  situation: (typeof situations)[number],
  seed: string,
  person: string,
): Promise<DrawnTrack> {
  const drawing = situation.draw(seededRandom(seedOf(`${seed} ${situation.name}`, 1)));
  const faces: (Face | null)[] = [];
  for (let i = 0; i < drawnPerTrack; i++) {
    const random = seededRandom(seedOf(`${seed} ${situation.name} ${i}`, 2));
    const frame = drawFrame(subject, jittered(drawing, random), random);
    const analysis = await engine.analyze(frame, { search: 'auto' });
    faces.push(analysis.faces[0] ?? null);
  }
  return { person, situation: situation.name, faces };
}

function galleryOf(
  space: string,
  members: readonly string[],
  references: ReadonlyMap<string, Float32Array[]>,
): Gallery {
  const people = members.map((name) => ({
    id: name,
    name,
    templates: references.get(name)!.map((vector, id) => ({ id, vector })),
  }));
  return { space, version: 1, people, cohort: [] };
}

/** Who arrives during the track: ids, and `stranger`. */
function announced(
  { faces }: DrawnTrack,
  gallery: Gallery,
  options: ReturnType<typeof roomOptionsFor>,
): ReadonlySet<string> {
  let state = startRoom(0);
  const events = new Set<string>();
  for (let i = 0; i < framesPerTrack; i++) {
    const face = faces[i % faces.length];
    const frame = { capturedAt: i * intervalMs, sequence: i, ...frameSize, faces: face ? [face] : [] };
    const result = step(state, frame, gallery, options);
    state = result.state;
    for (const { type, person } of result.events) {
      if (type === 'arrived' && person !== null) events.add(person);
      if (type === 'stranger_arrived') events.add('stranger');
    }
  }
  return events;
}

/** The sum over several situations. */
export function total(results: readonly SituationResult[]): SituationResult {
  const sum = emptyResult('all');
  for (const result of results) {
    for (const key of ['residents', 'mistaken', 'named', 'wrong', 'strangers', 'told', 'misnamed'] as const)
      sum[key] += result[key];
  }
  return sum;
}

const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = evaluationFolder();
  if (folder === null) process.stdout.write('skipped: the folder ../shared/eval does not exist\n');
  else {
    const progress = (text: string) => process.stderr.write(`\r${text}`);
    const people = Number(process.argv[2] ?? wholePlan.people);
    const results = await measureStrangers(folder, { ...wholePlan, people, progress });
    for (const result of [...results, total(results)]) {
      const { situation, residents, mistaken, named, wrong, strangers, told, misnamed } = result;
      process.stdout.write(
        `${situation}: ${residents} tracks of residents: ${share(mistaken, residents)} announced as strangers, ` +
          `${share(named, residents)} named, ${wrong} wrong names; ${strangers} of strangers: ${share(told, strangers)} told, ` +
          `${misnamed} named\n`,
      );
    }
  }
}
