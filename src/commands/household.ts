// roomkin household: the key with which the rooms of a household share their people.
import { fail } from '../base/errors.js';
import {
  createHouseholdSeal,
  firstKey,
  type HouseholdKey,
  joinedKey,
  keyText,
  leaveHouseholdKey,
  parseKeyText,
  readHouseholdKey,
  refuseSecondKey,
  writeHouseholdKey,
} from '../sharing/key.js';
import { sharedPeople } from '../sharing/sync.js';
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';
import { type Given, misused } from './verbs.js';

const restart = 'sudo systemctl restart roomkin';

export async function run(given: Given<'household'>, io: CommandIo): Promise<void> {
  const actions = [given.new, given.join, given.show, given.leave].filter(Boolean).length;
  if (actions > 1) throw misused('household', '--new, --join, --show and --leave cannot be combined');
  if (given.from !== undefined && !given.join) throw misused('household', '--from needs --join');
  if (given.new) return createKey(io);
  if (given.join) return joinHousehold(io, given.from);
  if (given.show) return showKey(io);
  if (given.leave) return leaveHousehold(io);
  describeSharing(io);
}

function createKey(io: CommandIo): void {
  refuseSecondKey(keyFile(io));
  const key = firstKey();
  writeHouseholdKey(keyFile(io), key);
  io.out('This room now has a household key:');
  io.out(`  ${keyText(key)}`);
  io.out('');
  io.out(`Here:                 ${restart}`);
  io.out('In every other room:  sudo roomkin household --join     (and paste it)');
  io.out(`                      ${restart}`);
  io.out('');
  io.out('Anyone who has the key can read every face that the rooms share. Keep no copy:');
  io.out('roomkin household --show prints the key again in any of the rooms.');
  io.document({ key: keyText(key), fingerprint: fingerprint(io, key) });
}

async function joinHousehold(io: CommandIo, from: string | undefined): Promise<void> {
  const file = keyFile(io);
  const present = readHouseholdKey(file);
  const typed = await readPassphrase(io, from, false, 'household', 'Household key: ', '--from FILE');
  const key = parseKeyText(typed);
  if (key === null) {
    const advice = 'copy all letters that roomkin household --show prints in another room';
    throw fail('KEY_FILE', `that is not a household key: ${advice}`);
  }
  writeHouseholdKey(file, present === null ? key : joinedKey(present, key));
  io.out(`This room now shares its people with household ${io.config().household.id} (key ${fingerprint(io, key)}).`);
  io.out(`Then:  ${restart}`);
  io.document({ household: io.config().household.id, fingerprint: fingerprint(io, key) });
}

function showKey(io: CommandIo): void {
  const key = readHouseholdKey(keyFile(io));
  if (key === null) throw fail('KEY_FILE', 'this room has no household key: roomkin household --new creates one');
  // Nothing else on stdout, so that the key can be piped into the next room.
  io.out(keyText(key));
  io.document({ key: keyText(key), fingerprint: fingerprint(io, key) });
}

function leaveHousehold(io: CommandIo): void {
  const left = leaveHouseholdKey(keyFile(io)) !== null;
  io.out(
    left
      ? 'This room no longer shares its people. All people stay enrolled, here and in the other rooms.'
      : 'There was no key.',
  );
  if (left) io.out(`Then:  ${restart}`);
  io.document({ left });
}

function describeSharing(io: CommandIo): void {
  const { household, room } = io.config();
  const key = readHouseholdKey(household.keyFile);
  if (key === null) {
    io.out(`Nothing is shared: people enrolled in ${room.id} are known in ${room.id} only.`);
    io.out('To share them, run roomkin household --new in one room and --join in the others.');
    io.document({ household: household.id, shares: false, fingerprint: null, people: null, forgotten: null });
    return;
  }
  using store = openGallery(io);
  const versions = [...sharedPeople(io.config(), key, store).versions().values()];
  const people = versions.filter(({ stamp }) => !stamp.forgotten).length;
  const forgotten = versions.length - people;
  io.out(`household ${household.id}, key ${fingerprint(io, key)} (the same in every room)`);
  io.out(`${people} people are shared and ${forgotten} were forgotten; ${store.people().length} are enrolled here`);
  io.document({ household: household.id, shares: true, fingerprint: fingerprint(io, key), people, forgotten });
}

const keyFile = (io: CommandIo): string => io.config().household.keyFile;

/** Eight digits to compare between rooms. */
function fingerprint(io: CommandIo, key: HouseholdKey): string {
  return createHouseholdSeal(key, io.config().household.id).fingerprint.toString('hex', 0, 4);
}
