// Whether the gallery opens, its key is private, and its templates fit the configured model. It creates nothing: a check that runs as
// root must not leave files that the daemon cannot open.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/load.js';
import { chooseEmbedder, readManifest } from '../../engine/manifest.js';
import type { ReportAnswer } from '../../reports/reports.js';
import { createHouseholdSeal, readHouseholdKey } from '../../sharing/key.js';
import { databaseName } from '../../store/database.js';
import { openStore } from '../../store/gallery-store.js';
import { missingGallery } from '../../store/opening.js';
import { type Finding, failed, fault, ok, warn } from './finding.js';

export function checkGallery({ store: options, embedder }: Config): Finding {
  const { directory } = options;
  try {
    const missing = missingGallery(options);
    if (missing !== null) return failed('gallery', 'there is none', missing);
    if (!existsSync(join(directory, databaseName))) {
      const folder = statSync(directory, { throwIfNoEntry: false });
      if (folder && !folder.isDirectory())
        return failed('gallery', `${directory} is not a folder`, 'check store.directory');
      return warn(
        'gallery',
        `there is none in ${directory} yet`,
        'it is created at the first start; then roomkin enrol NAME --photos PATH',
      );
    }
    const damage: string[] = [];
    using store = openStore({ ...options, onDamage: (sentence) => damage.push(sentence) });
    const people = store.people().length;
    const { space } = chooseEmbedder(readManifest(), embedder.id);
    const usable = store.gallery(space).people.filter((person) => person.templates.length > 0).length;
    const found = peopleText(people, usable);
    if (store.unwritable !== null) return failed('gallery', `${found}; nothing can be changed`, store.unwritable);
    if (damage.length > 0) return warn('gallery', found, damage.join('; '));
    return peopleFinding(people, usable);
  } catch (error) {
    return fault('gallery', error);
  }
}

/** The finding for the people that the daemon reports. What is wrong with its gallery is among its problems. */
export function galleryFinding({ people }: ReportAnswer<'people'>): Finding {
  return peopleFinding(people.length, people.filter(({ usable }) => usable > 0).length);
}

function peopleFinding(people: number, usable: number): Finding {
  if (people === 0) return warn('gallery', 'nobody is enrolled', 'sudo roomkin enrol NAME --photos PATH');
  const found = peopleText(people, usable);
  if (usable < people) return warn('gallery', found, 'enrol the others again: their photos are for another model');
  return ok('gallery', found);
}

function peopleText(people: number, usable: number): string {
  return `${people === 1 ? '1 person' : `${people} people`}, ${usable} of them with photos for this model`;
}

// Whether this room shares its people with other rooms, and with which key.

export function checkHousehold({ household }: Pick<Config, 'household'>): Finding {
  try {
    const key = readHouseholdKey(household.keyFile);
    const fingerprint = key && createHouseholdSeal(key, household.id).fingerprint.toString('hex', 0, 4);
    return householdFinding({ household: household.id, fingerprint });
  } catch (error) {
    return fault('household', error);
  }
}

/** `fingerprint`: null without a key. */
export function householdFinding({
  household,
  fingerprint,
}: Pick<ReportAnswer<'household'>, 'household' | 'fingerprint'>): Finding {
  return fingerprint === null
    ? ok('household', 'no key: people who are enrolled here are known in this room only')
    : ok('household', `shares its people with ${household}, key ${fingerprint}`);
}
