// A child process that enrols invented people until it is killed. Prints each id once it is stored.
import { setTimeout as sleep } from 'node:timers/promises';
import { enrolMadeUp, openTestStore } from '../sharing/household.js';

const [directory = '', prefix = 'p'] = process.argv.slice(2);
const store = openTestStore(directory);
process.stdout.write('open\n');
for (let i = 0; i < 100_000; i += 1) {
  const id = enrolMadeUp(store, `${prefix}${i}`, 20);
  process.stdout.write(`${id}\n`);
  // SQLite waits for a lock by polling, so a process that never pauses would lock the others out. Real enrolments are far apart.
  await sleep(20);
}
