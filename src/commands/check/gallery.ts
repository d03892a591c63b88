// Whether the gallery opens, its key is private, and its templates fit the configured model. It creates nothing: a check that runs as
// root must not leave files that the daemon cannot open.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/load.js';
import { chooseEmbedder, readManifest } from '../../engine/manifest.js';
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
    const found = `${people} people, ${usable} of them with photos for this model`;
    if (store.unwritable !== null) return failed('gallery', `${found}; nothing can be changed`, store.unwritable);
    if (damage.length > 0) return warn('gallery', found, damage.join('; '));
    if (people === 0) return warn('gallery', 'nobody is enrolled', 'roomkin enrol NAME --photos PATH');
    if (usable < people) return warn('gallery', found, 'enrol the others again: their photos are for another model');
    return ok('gallery', found);
  } catch (error) {
    return fault('gallery', error);
  }
}

// Whether this room shares its people with other rooms, and with which key.

export function checkHousehold({ household }: Pick<Config, 'household'>): Finding {
  try {
    const key = readHouseholdKey(household.keyFile);
    if (key === null) return ok('household', 'no key: people who are enrolled here are known in this room only');
    const { fingerprint } = createHouseholdSeal(key, household.id);
    return ok('household', `shares its people with ${household.id}, key ${fingerprint.toString('hex', 0, 4)}`);
  } catch (error) {
    return fault('household', error);
  }
}
