(function () {
  var WORDS = ['headline', 'lede', 'since', 'place', 'signal', 'battery', 'said'];

  function putPeople(people) {
    var list = page.at('coming'), i, line, name, how;
    while (list.firstChild) list.removeChild(list.firstChild);
    for (i = 0; i < people.length; i++) {
      line = document.createElement('li');
      name = document.createElement('b');
      how = document.createElement('span');
      name.textContent = people[i].name;
      how.textContent = people[i].how;
      line.appendChild(name);
      line.appendChild(how);
      list.appendChild(line);
    }
    list.hidden = !people.length;
    page.at('nobody').hidden = !!people.length;
  }

  page.watch(function (view) {
    var map = page.at('map'), i;
    for (i = 0; i < WORDS.length; i++) page.put(WORDS[i], view[WORDS[i]]);
    page.put('place-note', view.place_note);
    putPeople(view.coming);
    map.hidden = !view.geo;
    if (view.geo) map.setAttribute('href', view.geo);
    page.putWay(view.reached);
    page.at('open').className = view.reached < 2 ? 'waits' : '';
  });
})();
