// Loaded before every npm script's program, and in the syntax of Node.js 6: an old host ends with words, not with a
// syntax error.
const range = require("../package.json").engines.node;

/** What is wrong with a version, and the fix; undefined when nothing is. `needed` is like `>=24`. */
function nodeProblem(version, needed) {
  const least = Number(/\d+/.exec(needed)[0]);
  if (Number(/\d+/.exec(version)[0]) >= least) return undefined;
  return [
    `This project needs Node.js ${least} or newer; this is ${version}.`,
    `Fix: run \`nvm use\`, which reads .nvmrc, or install Node.js ${least}. On Linux, \`npm ci\` brings it along unless`,
    "optional dependencies are omitted.",
  ].join("\n");
}

exports.nodeProblem = nodeProblem;

const problem = nodeProblem(process.version, range);
if (problem) {
  console.error(problem);
  process.exit(1);
}
