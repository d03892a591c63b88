// roomkin enrol NAME --phone: photos from a phone in the local network, through a page that exists while this command waits. Nothing is
// stored before the phone says "done", and then in one transaction. Photos are in memory only.
import { fail, RoomkinError } from '../../base/errors.js';
import { createCalibrator, recognitionOptions } from '../../config/parts.js';
import { outliers, tooAlike } from '../../gallery/enrolment.js';
import { leftOutWords, poses } from '../../gallery/guided-enrolment.js';
import { identifyFace } from '../../gallery/identify.js';
import { foldName } from '../../gallery/names.js';
import type { PersonId } from '../../gallery/person.js';
import {
  answerEnrolment,
  type EnrolmentActions,
  type EnrolmentResult,
  enrolSections,
  enrolTitle,
  resultTexts,
} from '../../phone/enrol-page.js';
import { createPhotos, type PhotoSample } from '../../phone/photos.js';
import type { Store } from '../../store/store.js';
import type { CommandIo } from '../command.js';
import { openGallery } from '../parts.js';
import { openPage, pageEnd } from '../phone-page.js';
import { analysePhoto, isBad } from '../photo-analysis.js';
import { openPhotoEngine } from '../photo-engine.js';
import { count, wrap } from '../rows.js';
import { chooseSamples, type KeptSamples, keepSamples } from './keep.js';

/** Without a photo or a press of a button for this long, the page ends. */
const patienceMs = 600_000;
/** The phone gets its result within this time; then the page ends in any case. */
const farewellMs = 5000;

export interface PhoneOptions {
  readonly force: boolean;
  /** The address to serve the page on; undefined: those of the local networks. */
  readonly address: string | undefined;
}

/**
 * Enrols `name`, which has passed `checkName`, with the photos that a phone sends. Errors: NETWORK_MISSING, LOOKS_MISSING (no photo came, or
 * the phone cancelled), ENGINE_FAILED, those of the gallery: nothing was enrolled then.
 */
export async function enrolByPhone(name: string, { force, address }: PhoneOptions, io: CommandIo): Promise<void> {
  // Opened before the page is shown: a user who may not write the gallery learns it at once.
  using store = openGallery(io);
  await using engine = openPhotoEngine(io);
  const { space } = await engine.start();
  io.progress('');

  let activeMs = io.clock.monotonicMs();
  let cancelled = false;
  let kept: KeptSamples | null = null;
  let result: EnrolmentResult | null = null;
  const photos = createPhotos(
    async (bytes, file) => {
      const photo = await analysePhoto(
        engine,
        { name: file || 'the photo', bytes: Buffer.from(bytes) },
        () => {},
        'portrait',
      );
      if (isBad(photo)) return null;
      const { width, height } = photo.picture;
      return { faces: photo.faces, width, height, turn: photo.turn };
    },
    () => {
      activeMs = io.clock.monotonicMs();
      io.meter([stateLine()]);
    },
  );
  const stateLine = (): string => {
    const refused = photos.list.filter(({ state }) => state === 'refused').length;
    const there = poses.length - photos.missing.length;
    return `${name}: ${count(photos.samples.length, 'photo')} accepted, ${refused} refused, ${there} of ${poses.length} directions`;
  };
  const enrolment: EnrolmentActions = {
    name,
    photos,
    get result() {
      return result;
    },
    enrol() {
      const enrolled = enrolSamples(name, photos.samples, { space, force }, store, io);
      if ('alike' in enrolled) return enrolled;
      kept = enrolled;
      result = selfTest(enrolled, photos.samples, space, store, io);
      return result;
    },
    cancel() {
      cancelled = true;
    },
  };
  const page = {
    sections: enrolSections,
    title: enrolTitle,
    answer(request: Parameters<typeof answerEnrolment>[0]) {
      if (request.action !== 'ask') activeMs = io.clock.monotonicMs();
      return answerEnrolment(request, enrolment);
    },
  };
  {
    await using listener = await openPage(
      io,
      page,
      address,
      `The page ends when the phone is done, with Ctrl-C, or after ${patienceMs / 60_000} minutes without a photo.`,
    );
    io.progress('waiting for the phone...');
    const limitMs = (): number =>
      result === null
        ? patienceMs - (io.clock.monotonicMs() - activeMs)
        : farewellMs - (io.clock.monotonicMs() - activeMs);
    const end = await pageEnd(io, listener, limitMs, [photos.failed]);
    io.progress('');
    if (end === 'late' && result === null)
      throw fail('LOOKS_MISSING', `no photo came for ${patienceMs / 60_000} minutes; nothing was enrolled`);
  }
  if (cancelled || kept === null || result === null)
    throw fail('LOOKS_MISSING', 'the phone cancelled; nothing was enrolled');
  report(kept, result, photos.samples, io);
}

/** Errors: those of the gallery. */
function enrolSamples(
  name: string,
  samples: readonly PhotoSample[],
  { space, force }: { readonly space: string; readonly force: boolean },
  store: Store,
  io: CommandIo,
): KeptSamples | { readonly alike: string } {
  const odd = outliers(samples);
  const templates = samples.filter((sample) => !odd.includes(sample)).map((sample) => ({ ...sample, space }));
  const self = store.people().find((person) => foldName(person.name) === foldName(name))?.id ?? null;
  const alike = force ? null : tooAlike(templates, store.gallery(space), self);
  if (alike !== null) return { alike: alike.name };
  const given = { name, samples: templates, space, force, what: 'photos' } as const;
  const chosen = chooseSamples(store, given, io);
  try {
    return store.change((changes) => keepSamples(changes, given, chosen, io.log));
  } catch (error) {
    // Another process has enrolled somebody meanwhile.
    if (error instanceof RoomkinError && error.code === 'PERSON_TOO_ALIKE')
      return { alike: tooAlike(templates, store.gallery(space), self)?.name ?? '?' };
    throw error;
  }
}

/** Each photo is identified in the gallery without it: does it get the name? */
function selfTest(
  { person, name, templates }: KeptSamples,
  samples: readonly PhotoSample[],
  space: string,
  store: Store,
  io: CommandIo,
): EnrolmentResult {
  const options = recognitionOptions(io.config());
  const gallery = store.gallery(space);
  const { calibrated, calibration } = createCalibrator(io.config(), space, options);
  const thresholds = calibrated(gallery);
  const own = gallery.people.find(({ id }) => id === person)?.templates ?? [];
  const tested = own.length < 2 ? [] : samples;
  const isNamed = (sample: PhotoSample): boolean => {
    const face = { score: sample.score, quality: sample.quality, embedding: sample.vector };
    return identifyFace(face, without(thresholds, person, sample), options).person === person;
  };
  const closest = calibration(gallery).people.find((entry) => entry.person === person)?.closest ?? null;
  return {
    name,
    inUse: templates,
    tested: tested.length,
    named: tested.filter(isNamed).length,
    closest: closest && { name: closest.name, similarity: closest.similarity },
  };
}

function without(gallery: ReturnType<Store['gallery']>, person: PersonId, { vector }: PhotoSample) {
  const people = gallery.people.map((other) => {
    if (other.id !== person) return other;
    return { ...other, templates: other.templates.filter((template) => !isEqual(template.vector, vector)) };
  });
  return { ...gallery, people };
}

function isEqual(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => Math.abs(value - b[i]!) < 1e-6);
}

function report(kept: KeptSamples, result: EnrolmentResult, samples: readonly PhotoSample[], io: CommandIo): void {
  const posed = samples.flatMap(({ pose, quality, vector }) => (pose === null ? [] : [{ pose, quality, vector }]));
  const similar = kept.redundant > 0 ? `, ${kept.redundant} too similar to others` : '';
  io.out(
    `${kept.name} (${kept.person}): ${count(samples.length, 'photo')} accepted${leftOutWords({ samples: posed })}; ` +
      `${kept.added} added${similar}, ${count(kept.templates, 'photo')} in use`,
  );
  for (const text of resultTexts(result, 'en')) for (const line of wrap(text, io.textColumns)) io.out(line);
  const { tested, named, closest } = result;
  io.document({ people: [{ ...kept, photos: samples.length }], selfTest: { tested, named, closest } });
}
