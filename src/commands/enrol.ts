// roomkin enrol: photos → templates; before the camera it is enrol-live.ts. All or nothing: every photo is looked at first, then one
// transaction keeps them.
import { oddLooks, portrait } from '../domain/enrolment.js';
import type { Face } from '../domain/face.js';
import type { Engine } from '../engine/engine.js';
import type { Changes, NewTemplate } from '../store/store.js';
import type { Command, CommandIo } from './command.js';
import { enrolLive } from './enrol-live.js';
import { type Batch, enrolUsage, planEnrolment } from './enrol-plan.js';
import { type KeptLooks, keepLooks } from './keep-looks.js';
import { configuredEngine, openGallery } from './parts.js';
import { type AnalysedPhoto, analysePhoto, type BadPhoto, isBad, refuseBadPhotos, step } from './photo-analysis.js';
import { count } from './rows.js';

interface Look extends NewTemplate {
  readonly file: string;
}

interface LookedAt extends Batch {
  readonly looks: readonly Look[];
}

/** What became of one person's photos; an element of the JSON result. */
interface Enrolled extends KeptLooks {
  readonly photos: number;
}

export const command: Command = {
  usage: enrolUsage,
  summary: 'Learn a person, from photos or before the camera.',
  async run(argv, io) {
    const plan = await planEnrolment(argv);
    if ('live' in plan) return enrolLive(plan.live, plan.force, io);
    using store = openGallery(io);
    await using engine = configuredEngine(io);
    const { space } = await engine.start();
    const bad: BadPhoto[] = [];
    const lookedAt: LookedAt[] = [];
    const total = plan.batches.reduce((sum, { files }) => sum + files.length, 0);
    let done = 0;
    for (const batch of plan.batches) {
      const looks: Look[] = [];
      for (const file of batch.files) {
        step(io, `photo ${++done} of ${total}: ${batch.name ?? 'unknown'}`);
        const found = await lookAt(engine, file, batch.name === null, space);
        if (isBad(found)) bad.push(found);
        else looks.push(...found);
      }
      lookedAt.push({ ...batch, looks });
    }
    io.progress('');
    if (!plan.skipBad) refuseBadPhotos(bad, total, 'nothing was enrolled (--skip-bad leaves such photos out)');
    const blind = lookedAt.find(({ looks }) => looks.length === 0);
    if (blind) refuseBadPhotos(bad, total, `no photo of ${blind.name ?? 'unknown'} is left, nothing was enrolled`);

    const result = store.change((changes) => {
      const people = lookedAt.flatMap((one) =>
        one.name === null ? [] : [enrolOne(changes, one.name, one, space, plan.force, io)],
      );
      const strangers = lookedAt.filter(({ name }) => name === null).flatMap(({ looks }) => looks);
      return { people, strangers: strangers.filter((look) => changes.addStranger(look)).length };
    });
    for (const { sentence } of bad) io.log('warning', `left out: ${sentence}`);
    for (const one of result.people) io.out(describe(one));
    if (lookedAt.some(({ name }) => name === null))
      io.out(`${result.strangers} faces of strangers kept, to tell them apart`);
    io.document({ ...result, skipped: bad });
  },
};

async function lookAt(engine: Engine, file: string, everyFace: boolean, space: string): Promise<Look[] | BadPhoto> {
  const photo = await analysePhoto(engine, file);
  if (isBad(photo)) return photo;
  const faces = everyFace ? usable(photo) : [portrait(photo.faces, photo.picture.width, photo.picture.height)];
  if (faces.length === 0) return { file, code: 'PHOTO_NO_FACE', sentence: `${file} shows no usable face` };
  const looks: Look[] = [];
  for (const [index, found] of faces.entries()) {
    if ('refused' in found) return { file, code: found.refused, sentence: `${file} ${found.why}` };
    const source = Buffer.concat([photo.picture.sha256, Buffer.from([index])]);
    looks.push({ file, space, vector: found.face.embedding, quality: found.face.quality, source });
  }
  return looks;
}

/** Each face of a photo on its own, as far as it would do for a portrait. */
function usable({ faces, picture }: AnalysedPhoto): { face: Face & { embedding: Float32Array } }[] {
  return faces.flatMap((face) => {
    const alone = portrait([face], picture.width, picture.height);
    return 'face' in alone ? [alone] : [];
  });
}

function enrolOne(
  changes: Changes,
  name: string,
  { files, looks }: LookedAt,
  space: string,
  force: boolean,
  { log }: CommandIo,
): Enrolled {
  const kept = keepLooks(changes, { name, looks, space, force, what: 'photos' }, log);
  for (const { file } of oddLooks(looks))
    log('warning', `${file} looks unlike the other photos of ${name}: is it ${name}?`);
  return { ...kept, photos: files.length };
}

function describe({ person, name, photos, added, redundant, templates }: Enrolled): string {
  const same = redundant > 0 ? `, ${redundant} too much like others` : '';
  return `${name} (${person}): ${count(photos, 'photo')}, ${count(added, 'new look')}${same}; ${count(templates, 'look')} in all`;
}
