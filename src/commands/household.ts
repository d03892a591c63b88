// roomkin household: the key under which the rooms of a household share whom they enrolled. Two lines bring it into another room.
import { fail } from '../base/errors.js';
import {
  createHouseholdSeal,
  eraseHouseholdKey,
  keyText,
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
  const asked = [given.new, given.join, given.show, given.leave].filter(Boolean).length;
  if (asked > 1) throw misused('household', 'one thing at a time');
  if (given.from !== undefined && !given.join) throw misused('household', '--from belongs to --join');
  if (given.new) return begin(io);
  if (given.join) return join(io, given.from);
  if (given.show) return show(io);
  if (given.leave) return leave(io);
  tell(io);
}

function begin(io: CommandIo): void {
  const key = writeHouseholdKey(keyFile(io));
  io.out('This room has a household key now:');
  io.out(`  ${keyText(key)}`);
  io.out('');
  io.out(`Here:                 ${restart}`);
  io.out('In every other room:  sudo roomkin household --join     (and paste it)');
  io.out(`                      ${restart}`);
  io.out('');
  io.out('Who has it can read every face that the rooms share. Keep no copy: any room');
  io.out('shows it again with roomkin household --show.');
  io.document({ key: keyText(key), fingerprint: fingerprint(io, key) });
}

async function join(io: CommandIo, from: string | undefined): Promise<void> {
  const file = keyFile(io);
  refuseSecondKey(file);
  const typed = await readPassphrase(io, from, false, 'household', 'Household key: ', '--from FILE');
  const key = parseKeyText(typed);
  if (key === null) {
    const advice = 'copy all 46 letters that roomkin household --show prints in another room';
    throw fail('KEY_FILE', `that is not a household key: ${advice}`);
  }
  writeHouseholdKey(file, key);
  io.out(`This room shares its people with household ${io.config().household.id} now (key ${fingerprint(io, key)}).`);
  io.out(`Then:  ${restart}`);
  io.document({ household: io.config().household.id, fingerprint: fingerprint(io, key) });
}

function show(io: CommandIo): void {
  const key = readHouseholdKey(keyFile(io));
  if (key === null) throw fail('KEY_FILE', 'this room has no household key: roomkin household --new makes one');
  // Alone on its line, so that it can be piped into the next room.
  io.out(keyText(key));
  io.document({ key: keyText(key), fingerprint: fingerprint(io, key) });
}

function leave(io: CommandIo): void {
  const left = eraseHouseholdKey(keyFile(io));
  io.out(
    left ? 'This room shares nothing any more. Its people stay as they are, here and there.' : 'There was no key.',
  );
  if (left) io.out(`Then:  ${restart}`);
  io.document({ left });
}

function tell(io: CommandIo): void {
  const { household, room } = io.config();
  const key = readHouseholdKey(household.keyFile);
  if (key === null) {
    io.out(`Nothing is shared: the people of ${room.id} are known in ${room.id} only.`);
    io.out('roomkin household --new in one room, and --join in the others, changes that.');
    io.document({ household: household.id, shares: false, fingerprint: null, people: null, forgotten: null });
    return;
  }
  using store = openGallery(io);
  const versions = [...sharedPeople(io.config(), key, store).versions().values()];
  const people = versions.filter(({ stamp }) => !stamp.forgotten).length;
  const forgotten = versions.length - people;
  io.out(`household ${household.id}, key ${fingerprint(io, key)} (the same in every room)`);
  io.out(`${people} people are shared, ${forgotten} were forgotten; of ${store.people().length} here`);
  io.document({ household: household.id, shares: true, fingerprint: fingerprint(io, key), people, forgotten });
}

const keyFile = (io: CommandIo): string => io.config().household.keyFile;

/** Eight digits to compare between rooms. */
function fingerprint(io: CommandIo, key: Buffer): string {
  return createHouseholdSeal(key, io.config().household.id).fingerprint.toString('hex', 0, 4);
}
