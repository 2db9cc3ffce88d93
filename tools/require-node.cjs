// Every npm script loads this file first. It uses the syntax of Node.js 6, so that an old host prints a message instead of
// a syntax error.
const range = require("../package.json").engines.node;

/** The problem with the version, and its fix. Undefined if the version is new enough. `needed` is like `>=24`. */
function nodeProblem(version, needed) {
  const minimum = Number(/\d+/.exec(needed)[0]);
  if (Number(/\d+/.exec(version)[0]) >= minimum) return undefined;
  return [
    `This project needs Node.js ${minimum} or newer; this is ${version}.`,
    `Fix: run \`nvm use\`, which reads .nvmrc, or install Node.js ${minimum}. On Linux, \`npm ci\` installs it unless`,
    "optional dependencies are omitted.",
  ].join("\n");
}

exports.nodeProblem = nodeProblem;

const problem = nodeProblem(process.version, range);
if (problem) {
  console.error(problem);
  process.exit(1);
}
