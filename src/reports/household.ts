// Whether this room shares its people with other rooms, and with which key.
import { z } from 'zod';
import { createHouseholdSeal, readHouseholdKey } from '../sharing/key.js';
import { sharedPeople } from '../sharing/sync.js';
import { report } from './report.js';

const nullableNumber = z.number().nullable();

/** Errors: KEY_FILE, DATABASE. */
export const household = report({
  method: 'GET',
  given: z.object({}),
  answer: z.object({
    household: z.string(),
    room: z.string(),
    shares: z.boolean(),
    /** Eight digits to compare between rooms. Like the numbers below, null where nothing is shared. */
    fingerprint: z.string().nullable(),
    people: nullableNumber,
    forgotten: nullableNumber,
    enrolled: nullableNumber,
  }),
  make(_, sources) {
    const { config } = sources;
    const { id, keyFile } = config.household;
    const place = { household: id, room: config.room.id };
    const key = readHouseholdKey(keyFile);
    if (key === null)
      return { ...place, shares: false, fingerprint: null, people: null, forgotten: null, enrolled: null };
    const { store } = sources;
    const versions = [...sharedPeople(config, key, store).versions().values()];
    const forgotten = versions.filter(({ stamp }) => stamp.forgotten).length;
    return {
      ...place,
      shares: true,
      fingerprint: createHouseholdSeal(key, id).fingerprint.toString('hex', 0, 4),
      people: versions.length - forgotten,
      forgotten,
      enrolled: store.people().length,
    };
  },
});
