// Instants in the reader's zone and the page's language: the text of <time datetime>.
// A module of the client for pages that show some.

export default (it) => {
  // The page's language as the reader has it, such as en-GB.
  const { lang } = document.documentElement;
  const wanted = navigator.languages.find((known) => known.split("-")[0] == lang) || lang || [];
  it.time = (el) => {
    const when = new Date(el.dateTime);
    if (!+when) return;
    el.textContent = when.toLocaleString(wanted, {
      timeStyle: "short",
      dateStyle: when.toDateString() == new Date().toDateString() ? undefined : "medium",
    });
    el.title = when.toLocaleString(wanted);
  };
  it.all("time").forEach(it.time);
};
