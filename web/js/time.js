// Instants in the reader's zone and language: the text of <time datetime>.
// A module of the client for pages that show some.

export default (it) => {
  it.time = (el) => {
    const when = new Date(el.dateTime);
    if (!+when) return;
    el.textContent = when.toLocaleString([], {
      timeStyle: "short",
      dateStyle: when.toDateString() == new Date().toDateString() ? undefined : "medium",
    });
    el.title = when.toLocaleString();
  };
  it.all("time").forEach(it.time);
};
