async function fetchUser(id: string) {
  return db.find(id);
}

async function greet(id: string) {
  const user = await fetchUser(id);
  return `hi ${user.name}`;
}
