// roomkin forget: erases a person, after a question on the terminal or with --yes.
import { readHouseholdKey } from '../sharing/key.js';
import type { CommandIo } from './command.js';
import { openGallery, openJournal } from './parts.js';
import { ask } from './prompts.js';
import { count } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run({ name: person, yes }: Given<'forget'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const { id, name, templates } = store.find(person);
  if (!yes && !(await confirmed(`Erase ${name} (${id}) with ${count(templates.length, 'photo')} for good?`, io))) {
    io.out(`${name} was not erased`);
    return io.document({ person: id, name, forgotten: false });
  }
  using journal = await openJournal(io);
  // The journal comes first: after an error the person is still in the gallery and can be forgotten again.
  journal?.forget(id);
  const erased = store.forget(id);
  // Until the line above a daemon could still write about the person.
  journal?.forget(id);
  if (!erased)
    io.log('warning', `another process has the log of the gallery open: erased bytes stay in it until the next change`);
  io.out(`${name} is forgotten`);
  if (readHouseholdKey(io.config().household.keyFile))
    io.out(`the other rooms erase ${name} as soon as they are connected`);
  io.document({ person: id, name, forgotten: true });
}

async function confirmed(question: string, io: CommandIo): Promise<boolean> {
  if (!io.interactive) throw misused('forget', 'there is no terminal to ask: add --yes to erase for good');
  return /^y(es)?$/i.test((await ask(io, `${question} [y/N] `)).trim());
}
