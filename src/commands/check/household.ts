// Whether this room shares its people with other rooms, and with which key.
import type { Config } from '../../config/load.js';
import { createHouseholdSeal, readHouseholdKey } from '../../sharing/key.js';
import { type Finding, fault, ok } from './finding.js';

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
