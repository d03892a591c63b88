// roomkin evaluate household: random households made from folders `DIR/<person>/*.jpg`, through the whole shipped pipeline.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, RoomkinError } from '../../base/errors.js';
import { listPhotos } from '../../camera/photo-files.js';
import { shippedConfig } from '../../config/load.js';
import { createCalibrator } from '../../config/parts.js';
import { roomOptionsFor } from '../../room/options.js';
import type { CommandIo } from '../command.js';
import type { Given } from '../verbs.js';
import { households, type Identity } from './households.js';
import { evaluatedEngine, portraits } from './portraits.js';

export async function evaluateHousehold(given: Given<'evaluate'>, io: CommandIo): Promise<void> {
  const folders = await listPeople(given.images);
  const files = folders.flatMap((folder) => folder.files);
  await using engine = await evaluatedEngine(io, given.embedder);
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
  io.document({ embedder, delegate, images: files.length, undetected: undetected.length, ...result });
  const { fnirAtFpir, atShippedThreshold: shipped, tracks } = result;
  io.out(
    `${result.households} households of ${result.people} people with ${result.references} photos each; ${embedder}`,
  );
  if (result.alike !== null)
    io.out(`members are drawn in pairs that look alike, mean similarity ${result.alike.toFixed(2)}`);
  io.out(`${files.length} pictures, ${undetected.length} without a detected face`);
  io.out('FNIR: share of members who do not get their name');
  io.out('FPIR: share of unknown people who get a name');
  io.out(`single pictures, ${result.probes} of members and ${result.strangers} of unknown people:`);
  io.out(`  FNIR ${percent(fnirAtFpir['0.01'])} at FPIR 1 %, ${percent(fnirAtFpir['0.001'])} at FPIR 0.1 %`);
  io.out(`  with the shipped thresholds: ${describe(shipped)}`);
  if (tracks === null) return io.out('no tracks of 5 observations: there are too few pictures of each person');
  const curve = tracks.fnirAtFpir;
  io.out(
    `tracks of ${tracks.looks} observations, ${tracks.probes} of members and ${tracks.strangers} of unknown people:`,
  );
  io.out(`  FNIR ${percent(curve['0.01'])} at FPIR 1 %, ${percent(curve['0.002'])} at FPIR 0.2 %`);
  io.out(`  with the shipped thresholds: ${describe(tracks.atShippedThreshold)}`);
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
async function listPeople(directory: string): Promise<{ name: string; files: readonly string[] }[]> {
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
  const people: { name: string; files: readonly string[] }[] = [];
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
