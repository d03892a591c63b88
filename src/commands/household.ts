// roomkin household: the key with which the rooms of a household share their people. --rotate and --leave also clean up at the broker, over
// a connection of their own, while the daemon may run. A daemon notices that its key was changed and stops to share.
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createHouseholdConnection, type HouseholdConnection } from '../mqtt/household-transport.js';
import {
  createHouseholdSeal,
  eraseLeftKey,
  firstKey,
  formerSeals,
  type HouseholdKey,
  joinedKey,
  keyText,
  leaveHouseholdKey,
  parseKeyText,
  readHouseholdKey,
  refuseSecondKey,
  rotatedKey,
  writeHouseholdKey,
} from '../sharing/key.js';
import { type LeavingReport, leaveAtBroker, leftSentence } from '../sharing/leaving.js';
import { createGallerySharing, type SharingReport, sharedPeople, unreadEpochs } from '../sharing/sync.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { openJournals } from './journals.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';
import { count } from './rows.js';
import { type Given, misused } from './verbs.js';

const restart = 'sudo systemctl restart roomkin';

export async function run(given: Given<'household'>, io: CommandIo): Promise<void> {
  const actions = [given.new, given.join, given.show, given.rotate, given.leave].filter(Boolean).length;
  if (actions > 1) throw misused('household', '--new, --join, --show, --rotate and --leave cannot be combined');
  if (given.from !== undefined && !given.join) throw misused('household', '--from needs --join');
  if (given.new) return createKey(io);
  if (given.join) return joinHousehold(io, given.from);
  if (given.show) return showKey(io);
  if (given.rotate) return rotateKey(io);
  if (given.leave) return leaveHousehold(io);
  await describeSharing(io);
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

async function rotateKey(io: CommandIo): Promise<void> {
  const config = io.config();
  const { id, keyFile: file } = config.household;
  const present = readHouseholdKey(file);
  if (present === null) throw fail('KEY_FILE', 'this room has no household key: roomkin household --new creates one');
  const key = rotatedKey(present);
  using store = openGallery(io);
  using journal = await openJournals(io);
  const unread = unreadEpochs(store);
  unread.add(createHouseholdSeal(present, id));
  writeHouseholdKey(file, key);
  const result = await synchronise(io, key, store, (person) => journal.forget(person));
  const behind = typeof result === 'string' ? [] : result.behind;
  io.out('The household has a new key. The old one opens no message from now on:');
  io.out(`  ${keyText(key)}`);
  io.out('');
  io.out(`Here:                 ${restart}`);
  io.out('In every other room:  sudo roomkin household --join     (and paste it)');
  io.out(`                      ${restart}`);
  if (behind.length > 0) io.out(`These rooms had the old key: ${behind.join(', ')}`);
  io.out('Until then they keep their people and share nothing.');
  io.out('');
  io.out(
    typeof result === 'string'
      ? `${result}: the daemon publishes under the new key and deletes the old messages at its next connection.`
      : result.refused > 0
        ? `The broker refused ${result.refused} changes, so messages of the old key are left there: check its ACL.`
        : `At the broker: ${count(result.published, 'message')} under the new key, ${result.deleted} of the old key deleted.`,
  );
  io.document({ key: keyText(key), fingerprint: fingerprint(io, key), epoch: key.epoch, behind, ...atBroker(result) });
}

async function leaveHousehold(io: CommandIo): Promise<void> {
  const config = io.config();
  const { id, keyFile: file } = config.household;
  const key = readHouseholdKey(file);
  if (key === null) {
    io.out('There was no key.');
    return io.document({ left: false });
  }
  // What was changed here while this room shared still belongs to the household.
  using store = openGallery(io);
  using journal = await openJournals(io);
  const last = await synchronise(io, key, store, (person) => journal.forget(person));
  leaveHouseholdKey(file);
  sharedPeople(config, key, store).leave();
  const household = createHouseholdSeal(key, id);
  const result =
    typeof last === 'string'
      ? last
      : await connected<LeavingReport>(io, (publisher, onDone) =>
          leaveAtBroker({ household, former: formerSeals(key, id), room: config.room.id, publisher, onDone }),
        );
  io.out('This room no longer shares its people. All people stay enrolled, here and in the other rooms.');
  if (typeof result === 'string') {
    io.out(`${result}: the daemon deletes the messages of this room at its next connection.`);
    io.out(`Until then the key stays in ${file}.left`);
  } else {
    eraseLeftKey(file);
    io.out(`At the broker: ${leftSentence(result)}.`);
  }
  io.out(`Then:  ${restart}`);
  io.document({ left: true, ...atBroker(result) });
}

/** For `--json`. */
function atBroker(result: SharingReport | LeavingReport | string): Readonly<Record<string, unknown>> {
  if (typeof result === 'string') return { broker: 'away', why: result };
  const { deleted, refused } = result;
  return { broker: refused > 0 ? 'refused' : 'done', deleted, refused };
}

/** Publishes what the broker lacks, and takes what this room lacks. A sentence where the broker cannot be reached. */
function synchronise(
  io: CommandIo,
  key: HouseholdKey,
  store: Store,
  onErase: (person: string) => void,
): Promise<SharingReport | string> {
  const config = io.config();
  return connected<SharingReport>(io, (publisher, onSettled) =>
    createGallerySharing({
      people: sharedPeople(config, key, store, onErase),
      household: createHouseholdSeal(key, config.household.id),
      room: config.room.id,
      former: formerSeals(key, config.household.id),
      unread: unreadEpochs(store),
      publisher,
      onReceived() {},
      onSettled,
      listenMs: [2_000, 0],
      log: io.log,
    }),
  );
}

const connectWithinMs = 8_000;
const workWithinMs = 60_000;

/**
 * Runs `work` on a connection to the broker until it reports its result. A sentence where the broker cannot be reached or does not
 * answer in time.
 */
async function connected<T>(
  io: CommandIo,
  work: (publisher: HouseholdConnection, onDone: (result: T) => void) => Disposable,
): Promise<T | string> {
  const quiet: Log = (level, message, fields) => io.log(level === 'warning' ? 'debug' : level, message, fields);
  const connection = createHouseholdConnection(io.config(), quiet);
  const results: T[] = [];
  using _work = work(connection, (result) => results.push(result));
  const startedMs = io.clock.monotonicMs();
  connection.start();
  try {
    io.progress('connecting to the broker...');
    for (;;) {
      const [result] = results;
      if (result !== undefined) return result;
      const { connected: isConnected, broker, fault } = connection.status();
      const waitedMs = io.clock.monotonicMs() - startedMs;
      if (isConnected) io.progress('listening to the other rooms...');
      if (waitedMs > (isConnected ? workWithinMs : connectWithinMs) || (!isConnected && fault !== null))
        return `The broker ${broker} cannot be reached (${fault ?? 'no answer'})`;
      await sleep(50, undefined, { signal: io.signal });
    }
  } finally {
    io.progress('');
    await connection.stop();
  }
}

async function describeSharing(io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'household', {});
  const { household, room, shares, fingerprint: digits, people, forgotten, enrolled } = report;
  if (shares) {
    io.out(`household ${household}, key ${digits} (the same in every room)`);
    io.out(`${people} people are shared and ${forgotten} were forgotten; ${enrolled} are enrolled here`);
  } else {
    io.out(`Nothing is shared: people enrolled in ${room} are known in ${room} only.`);
    io.out('To share them, run roomkin household --new in one room and --join in the others.');
  }
  io.document(report);
}

const keyFile = (io: CommandIo): string => io.config().household.keyFile;

/** Eight digits to compare between rooms. */
function fingerprint(io: CommandIo, key: HouseholdKey): string {
  return createHouseholdSeal(key, io.config().household.id).fingerprint.toString('hex', 0, 4);
}
