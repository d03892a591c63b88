// roomkin evaluate household: random households out of folders `DIR/<person>/*.jpg`, through the whole shipped pipeline.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, RoomkinError } from '../../base/errors.js';
import { listPhotos } from '../../camera/photo.js';
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
  const found = await portraits(engine, { files, low, seed: given.seed }, io);
  const undetected = files.filter((file) => found.get(file)?.clean?.embedding == null);

  const identities = folders.map(
    ({ name, files }): Identity => ({
      name,
      pictures: files.map((file) => {
        const { clean, low } = found.get(file)!;
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
  if (result.alike !== null) io.out(`in pairs that look alike, similarity ${result.alike.toFixed(2)} in the mean`);
  io.out(`${files.length} pictures, ${undetected.length} without a face found`);
  io.out(`one look, ${result.probes} of members and ${result.strangers} of strangers:`);
  io.out(`  missed at FPIR 1 %: ${percent(fnirAtFpir['0.01'])}, at 0.1 %: ${percent(fnirAtFpir['0.001'])}`);
  io.out(`  as shipped: ${describe(shipped)}`);
  if (tracks === null) return io.out('no track of 5 looks: too few pictures for each person');
  const curve = tracks.fnirAtFpir;
  io.out(`tracks of ${tracks.looks} looks, ${tracks.probes} of members and ${tracks.strangers} of strangers:`);
  io.out(`  missed at FPIR 1 %: ${percent(curve['0.01'])}, at 0.2 %: ${percent(curve['0.002'])}`);
  io.out(`  as shipped: ${describe(tracks.atShippedThreshold)}`);
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
    const advice = `${given.people} members and a stranger are needed: fewer --people or --references`;
    throw fail('FOLDER_EMPTY', `${given.images} holds ${error.message}; ${advice}`, error);
  }
}

/** Every folder in `directory` with its photos, in the order of their names. */
async function listPeople(directory: string): Promise<{ name: string; files: string[] }[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw fail(
      'FOLDER_EMPTY',
      `cannot read ${directory} (${cause.code}): name a folder of folders with --images`,
      cause,
    );
  });
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name);
  const people: { name: string; files: string[] }[] = [];
  for (const name of names.sort()) {
    try {
      people.push({ name, files: await listPhotos(join(directory, name)) });
    } catch (error) {
      if (!(error instanceof RoomkinError && error.code === 'FOLDER_EMPTY')) throw error;
    }
  }
  if (people.length === 0) throw fail('FOLDER_EMPTY', `${directory} holds no folder with photos: DIR/<person>/*.jpg`);
  return people;
}

function describe({
  fnir,
  fpir,
  misidentified,
  ambiguous,
}: ReturnType<typeof households>['atShippedThreshold']): string {
  const missed = `missed ${percent(fnir)}${ambiguous > 0 ? ` (one of two ${percent(ambiguous)})` : ''}`;
  return `${missed}, strangers named ${percent(fpir)}, members misnamed ${percent(misidentified)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
