// A child for the tests: enrols made-up people one after another until it is killed. Prints each id when it is kept.
import { setTimeout as sleep } from 'node:timers/promises';
import { enrolMadeUp, openTestStore } from '../sharing/household.js';

const [directory = '', prefix = 'p'] = process.argv.slice(2);
const store = openTestStore(directory);
process.stdout.write('open\n');
for (let i = 0; i < 100_000; i += 1) {
  const id = enrolMadeUp(store, `${prefix}${i}`, 20);
  process.stdout.write(`${id}\n`);
  // SQLite waits by polling: a process that never pauses would lock the others out, and no person enrols like that.
  await sleep(20);
}
