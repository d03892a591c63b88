// roomkin people: everybody who is enrolled, and whether the configured model can recognise them; with --check, which of their
// photos do harm. Such photos are set aside and put back by their numbers.
import { misused, parseArguments } from './arguments.js';
import type { Command, CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { setAside } from './people-aside.js';
import { checkPeople } from './people-check.js';

export const command: Command = {
  usage: 'people [--check | --set-aside ID... | --put-back ID...]',
  summary: 'List who is enrolled, check their photos, set photos aside.',
  async run(argv, io) {
    const flag = { type: 'boolean', default: false } as const;
    const options = { check: flag, 'set-aside': flag, 'put-back': flag };
    const { values, positionals } = parseArguments(argv, command.usage, options);
    if (Object.values(values).filter(Boolean).length > 1) throw misused(command.usage, 'one thing at a time');
    if (values['set-aside'] || values['put-back'])
      return setAside(numbers(positionals), values['set-aside'] === true, io);
    if (positionals.length > 0) throw misused(command.usage, `${positionals.length} words where none is needed`);
    if (values.check) checkPeople(io);
    else list(io);
  },
};

function numbers(words: readonly string[]): number[] {
  const wrong = words.find((word) => !/^\d{1,9}$/.test(word));
  if (words.length === 0 || wrong !== undefined)
    throw misused(command.usage, wrong === undefined ? 'an ID is needed' : `${wrong} is not the number of a photo`);
  return [...new Set(words.map(Number))];
}

function list(io: CommandIo): void {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const opened = store.gallery(space);
  const people = store.people().map(({ id, name, createdAtMs, templates }) => {
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    return {
      person: id,
      name,
      templates: inUse,
      /** Those that the configured model can compare. */
      usable: opened.people.find((person) => person.id === id)?.templates.length ?? 0,
      setAside: templates.length - inUse,
      since: new Date(createdAtMs).toISOString(),
    };
  });
  if (people.length === 0) io.out('Nobody is enrolled: roomkin enrol NAME --photos PATH...');
  const width = Math.max(...people.map(({ name, person }) => name.length + person.length + 3));
  for (const { person, name, templates, usable, setAside: aside, since } of people) {
    const looks = usable === templates ? `${usable} looks` : `${usable} of ${templates} looks usable`;
    const besides = aside > 0 ? `, ${aside} set aside` : '';
    const advice = usable === 0 ? ': enrol again, the model has changed' : '';
    io.out(`${`${name} (${person})`.padEnd(width)}  ${looks}${besides}, since ${since.slice(0, 10)}${advice}`);
  }
  if (opened.strangers.length > 0) io.out(`Besides ${opened.strangers.length} faces of strangers, to tell them apart`);
  io.document({ space, people, strangers: opened.strangers.length });
}
