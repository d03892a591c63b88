// roomkin evaluate household: random households made from folders `DIR/<person>/*.jpg`, through the whole shipped pipeline.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, RoomkinError } from '../../base/errors.js';
import { listPhotos } from '../../camera/photo-files.js';
import { shippedConfig } from '../../config/load.js';
import { createCalibrator } from '../../config/parts.js';
import type { EngineInfo } from '../../engine/engine.js';
import { roomOptionsFor } from '../../room/options.js';
import type { CommandIo } from '../command.js';
import type { Given } from '../verbs.js';
import { householdCurves } from './det.js';
import { type HouseholdsResult, households, type Identity } from './households.js';
import { openPlot } from './plot.js';
import { evaluatedEngine, portraits } from './portraits.js';

export async function evaluateHousehold(given: Given<'evaluate'>, io: CommandIo): Promise<void> {
  const plot = await openPlot(given, 'household', io);
  const folders = await listPeople(given.images);
  const result = await measureHouseholds(folders, given, given.embedder, io);
  io.document(result);
  for (const line of describeResult(result)) io.out(line);
  await plot?.write(householdCurves(result), async (embedder) => {
    return householdCurves(await measureHouseholds(folders, given, embedder, io));
  });
}

interface Person {
  readonly name: string;
  readonly files: readonly string[];
}

interface MeasuredHouseholds extends HouseholdsResult {
  readonly embedder: string;
  readonly delegate: EngineInfo['delegate'];
  readonly images: number;
  /** Pictures without a detected face. */
  readonly undetected: number;
}

async function measureHouseholds(
  folders: readonly Person[],
  given: Given<'evaluate'>,
  embedderId: string | undefined,
  io: CommandIo,
): Promise<MeasuredHouseholds> {
  const files = folders.flatMap((folder) => folder.files);
  await using engine = await evaluatedEngine(io, embedderId);
  const { embedder, delegate, space } = await engine.start();
  const low = new Set(given.degrade === 'low' ? files : []);
  const faces = await portraits(engine, { files, low, seed: given.seed }, io);
  const undetected = files.filter((file) => faces.get(file)?.clean?.embedding == null);

  const identities = folders.map(
    ({ name, files }): Identity => ({
      name,
      pictures: files.map((file) => {
        const { clean, low } = faces.get(file)!;
        return { reference: clean, probe: given.degrade === 'low' ? low : clean };
      }),
    }),
  );
  const result = simulate(identities, given, embedder, space);
  return { embedder, delegate, images: files.length, undetected: undetected.length, ...result };
}

function describeResult(result: MeasuredHouseholds): string[] {
  const { fnirAtFpir, atShippedThreshold: shipped, tracks } = result;
  return [
    `${result.households} households of ${result.people} people with ${result.references} photos each; ${result.embedder}`,
    ...(result.alike === null
      ? []
      : [`members are drawn in pairs that look alike, mean similarity ${result.alike.toFixed(2)}`]),
    `${result.images} pictures, ${result.undetected} without a detected face`,
    'FNIR: share of members who do not get their name',
    'FPIR: share of unknown people who get a name',
    `single pictures, ${result.probes} of members and ${result.strangers} of unknown people:`,
    `  FNIR ${percent(fnirAtFpir['0.01'])} at FPIR 1 %, ${percent(fnirAtFpir['0.001'])} at FPIR 0.1 %`,
    `  with the shipped thresholds: ${describe(shipped)}`,
    ...(tracks === null
      ? ['no tracks of 5 observations: there are too few pictures of each person']
      : [
          `tracks of ${tracks.looks} observations, ${tracks.probes} of members and ${tracks.strangers} of unknown people:`,
          `  FNIR ${percent(tracks.fnirAtFpir['0.01'])} at FPIR 1 %, ${percent(tracks.fnirAtFpir['0.002'])} at FPIR 0.2 %`,
          `  with the shipped thresholds: ${describe(tracks.atShippedThreshold)}`,
        ]),
  ];
}

function simulate(
  identities: readonly Identity[],
  given: Given<'evaluate'>,
  embedder: string,
  space: string,
): ReturnType<typeof households> {
  const options = roomOptionsFor(embedder);
  const { calibrated } = createCalibrator(shippedConfig(), space, options);
  try {
    return households(identities, given, options, calibrated);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const advice = `${given.people} members and one more person are needed: use fewer --people or --references`;
    throw fail('FOLDER_EMPTY', `${given.images} contains ${error.message}; ${advice}`, error);
  }
}

/** The folders in `directory` with their photos, sorted by name. */
async function listPeople(directory: string): Promise<Person[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw fail(
      'FOLDER_EMPTY',
      `cannot read ${directory} (${cause.code}): give a folder that contains one folder per person with --images`,
      cause,
    );
  });
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name);
  const people: Person[] = [];
  for (const name of names.sort()) {
    try {
      people.push({ name, files: await listPhotos(join(directory, name)) });
    } catch (error) {
      if (!(error instanceof RoomkinError && error.code === 'FOLDER_EMPTY')) throw error;
    }
  }
  if (people.length === 0)
    throw fail('FOLDER_EMPTY', `${directory} contains no folder with photos: DIR/<person>/*.jpg is needed`);
  return people;
}

function describe({
  fnir,
  fpir,
  misidentified,
  ambiguous,
}: ReturnType<typeof households>['atShippedThreshold']): string {
  const between = ambiguous > 0 ? ` (of which ${percent(ambiguous)} ambiguous between two people)` : '';
  return `FNIR ${percent(fnir)}${between}, FPIR ${percent(fpir)}, members with a wrong name ${percent(misidentified)}`;
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(2)} %`;
}
