/** The logical name of a resource: `roll/await-deployment` is `RollAwaitDeployment`. */
export function logicalName(name: string): string {
  return name
    .split(/[/-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
