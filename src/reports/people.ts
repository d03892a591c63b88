// The enrolled people, one person, photos that cause errors, and which photos are in use.
import { z } from 'zod';
import { isoTime } from '../base/clock.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { checkGallery } from '../gallery/check.js';
import { qualitySchema } from '../vision/quality-schema.js';
import { scoresSchema } from './calibration.js';
import { report } from './report.js';

const id = z.coerce.number().int().min(0);
const text = z.string();
const nullableText = text.nullable();
const nullableNumber = z.number().nullable();
const nothing = z.object({});

/** Everybody, oldest first. */
export const people = report({
  method: 'GET',
  given: nothing,
  answer: z.object({
    space: text,
    people: z.array(
      z.object({
        person: text,
        name: text,
        /** Photos in use, and those of them that the configured model can compare. */
        templates: z.number(),
        usable: z.number(),
        /** Disabled photos. */
        setAside: z.number(),
        since: text,
      }),
    ),
    /** Faces of unknown people, for comparison. */
    strangers: z.number(),
  }),
  make(_, { store, space: configured }) {
    const space = configured();
    const gallery = store.gallery(space);
    const everybody = store.people().map(({ id: person, name, createdAtMs, templates }) => {
      const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
      const usable = gallery.people.find((other) => other.id === person)?.templates.length ?? 0;
      return {
        person,
        name,
        templates: inUse,
        usable,
        setAside: templates.length - inUse,
        since: isoTime(createdAtMs),
      };
    });
    return { space, people: everybody, strangers: gallery.cohort.length };
  },
});

/** What is stored about one person. Errors: PERSON_UNKNOWN. */
export const show = report({
  method: 'GET',
  given: z.object({ name: text }),
  answer: z.object({
    person: text,
    name: text,
    since: text,
    templates: z.array(
      z.object({
        id: z.number(),
        space: text,
        /** Whether the configured model can compare it. */
        usable: z.boolean(),
        quality: qualitySchema,
        since: text,
        setAside: nullableText,
        correction: nullableNumber,
        /** The name of the photo's file; null where it is not known. */
        file: nullableText,
      }),
    ),
    corrections: z.object({ is: z.number(), not: z.number() }),
  }),
  make({ name: person }, { store, space: configured }) {
    const { id: found, name, createdAtMs, templates } = store.find(person);
    const corrections = store.corrections().filter((correction) => correction.person === found);
    const is = corrections.filter(({ template }) => template !== null).length;
    const configuredSpace = configured();
    const files = store.fileNames();
    return {
      person: found,
      name,
      since: isoTime(createdAtMs),
      templates: templates.map((template) => ({
        id: template.id,
        space: template.space,
        usable: template.space === configuredSpace,
        quality: template.quality,
        since: isoTime(template.createdAtMs),
        setAside: template.setAsideAtMs === null ? null : isoTime(template.setAsideAtMs),
        correction: template.correction,
        file: files.get(template.id) ?? null,
      })),
      corrections: { is, not: corrections.length - is },
    };
  },
});

/** Photos that cause errors: for each one the worst fault, as `gallery/check.ts` finds it. */
export const faults = report({
  method: 'GET',
  given: nothing,
  answer: z.object({
    space: text,
    people: z.number(),
    photos: z.number(),
    faults: z.array(
      z.object({
        kind: z.enum(['twice', 'unlike', 'confusable', 'rejected']),
        person: text,
        name: text,
        template: z.number(),
        since: text,
        file: nullableText,
        eyesPx: z.number(),
        other: nullableText,
        otherName: nullableText,
        otherTemplate: nullableNumber,
        otherFile: nullableText,
        correction: nullableNumber,
        similarity: z.number(),
      }),
    ),
    scores: scoresSchema,
  }),
  make(_, { config, store, space: configured }) {
    const space = configured();
    const options = recognitionOptions(config);
    const calibrator = createCalibrator(config, space, options);
    const gallery = store.gallery(space);
    const records = store.people();
    const files = store.fileNames();
    const name = (person: string | null): string | null => records.find((record) => record.id === person)?.name ?? null;
    const photo = (template: number) => {
      const record = records.flatMap(({ templates }) => templates).find((candidate) => candidate.id === template)!;
      return { since: isoTime(record.createdAtMs), eyesPx: record.quality.eyesPx };
    };
    return {
      space,
      people: gallery.people.length,
      photos: gallery.people.reduce((sum, { templates }) => sum + templates.length, 0),
      faults: checkGallery(gallery, options.single).map((fault) => ({
        ...fault,
        name: name(fault.person) ?? fault.person,
        otherName: name(fault.other),
        ...photo(fault.template),
        file: files.get(fault.template) ?? null,
        otherFile: fault.otherTemplate === null ? null : (files.get(fault.otherTemplate) ?? null),
      })),
      scores: [...calibrator.scores(gallery, calibrator.calibration(gallery))],
    };
  },
});

const changedUse = z.object({
  setAside: z.boolean(),
  photos: z.array(z.object({ id: z.number(), person: text, name: text })),
  /** The photos in use of each person who has one of the photos. */
  people: z.array(z.object({ person: text, name: text, inUse: z.number() })),
});
const photoIds = z.object({ ids: z.array(id).min(1) });

/** Stops using photos, all or none. Errors: PHOTO_UNKNOWN, PHOTO_NEEDED. */
export const disable = report({
  method: 'POST',
  given: photoIds,
  answer: changedUse,
  make: ({ ids }, sources) => changeUse(ids, true, sources),
});

/** Uses photos again, all or none. Errors: PHOTO_UNKNOWN. */
export const enable = report({
  method: 'POST',
  given: photoIds,
  answer: changedUse,
  make: ({ ids }, sources) => changeUse(ids, false, sources),
});

function changeUse(
  ids: readonly number[],
  setAside: boolean,
  { store }: Parameters<typeof people.make>[1],
): z.output<typeof changedUse> {
  store.change((changes) => (setAside ? changes.disable(ids) : changes.enable(ids)));
  const owners = store.people().filter(({ templates }) => templates.some((template) => ids.includes(template.id)));
  return {
    setAside,
    photos: owners.flatMap(({ id: person, name, templates }) =>
      templates.filter((template) => ids.includes(template.id)).map((template) => ({ id: template.id, person, name })),
    ),
    people: owners.map(({ id: person, name, templates }) => {
      return { person, name, inUse: templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length };
    }),
  };
}
