// roomkin forget: erases a person. Asked for twice: on a terminal by a question, in a script by --yes.
import { readHouseholdKey } from '../sharing/key.js';
import type { CommandIo } from './command.js';
import { openJournal } from './journal.js';
import { openGallery } from './parts.js';
import { ask } from './prompts.js';
import { type Given, misused } from './verbs.js';

export async function run({ name: asked, yes }: Given<'forget'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const { id, name, templates } = store.find(asked);
  if (!yes && !(await confirmed(`Erase ${name} (${id}) with ${templates.length} looks for good?`, io))) {
    io.out(`${name} is kept`);
    return io.document({ person: id, name, forgotten: false });
  }
  {
    // Before the gallery, so that an error leaves somebody to be forgotten once more.
    using looks = openJournal(io);
    looks?.forget(id);
  }
  const erased = store.forget(id);
  if (!erased)
    io.log(
      'warning',
      `another process keeps the log of the gallery open, erased bytes stay in it until the next change`,
    );
  io.out(`${name} is forgotten`);
  if (readHouseholdKey(io.config().household.keyFile)) io.out(`the other rooms erase ${name} when they hear of it`);
  io.document({ person: id, name, forgotten: true });
}

async function confirmed(question: string, io: CommandIo): Promise<boolean> {
  if (!io.interactive) throw misused('forget', 'there is no terminal to ask: add --yes to erase for good');
  return /^y(es)?$/i.test((await ask(io, `${question} [y/N] `)).trim());
}
