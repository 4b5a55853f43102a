// Fragments: what has `data-swap` asks the server for a part of the page and puts it in its place. Without this file every link and form works as it is.
//
//   data-swap="#table"     the element that the answer replaces, or with data-swap-inside whose contents it is
//   data-fragment="table"  the name of the part, which is sent as X-Fragment
//   data-live              a form that is sent when one of its fields changes
//   data-refresh="30"      an element that is fetched anew every so many seconds, from the page's own address

document.documentElement.classList.add("js");

async function swap(source, url, options = {}) {
  const target = document.querySelector(source.dataset.swap);
  target.setAttribute("aria-busy", "true");
  try {
    const headers = { "X-Fragment": source.dataset.fragment, Accept: "text/html" };
    const answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
    if (answer.redirected || !answer.ok) {
      // Somebody has to log in, or to read what went wrong: then it is a page.
      location.assign(answer.redirected ? answer.url : url);
      return;
    }
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    const focused = document.activeElement?.id;
    target.replaceWith(made.content);
    if (focused) document.getElementById(focused)?.focus();
  } catch {
    target.removeAttribute("aria-busy"); // no connection: what is shown stays
  }
}

function address(form) {
  const fields = new URLSearchParams(new FormData(form));
  const url = new URL(form.action || location.href);
  url.search = fields.toString();
  return url;
}

function follow(source, url) {
  history.pushState(null, "", url);
  return swap(source, url);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  follow(link, link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.swap) return;
  event.preventDefault();
  if (form.method === "post") swap(form, form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  else follow(form, address(form));
});

let waiting;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || !("live" in form.dataset)) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => follow(form, address(form)), event.target.type === "search" ? 250 : 0);
});

addEventListener("popstate", () => location.reload());

setInterval(() => {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const due = Number(part.dataset.due ?? part.dataset.refresh) - 1;
    part.dataset.due = due;
    if (due <= 0 && !document.hidden) swap(part, location.href);
  }
}, 1000);
