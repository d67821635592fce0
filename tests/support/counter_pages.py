"""Browser of a clerk at the counter."""

from dataclasses import dataclass

from tests.conftest import GUANGDONG
from tests.support.browser import Form
from tests.support.counter import AGENT_ID, OWNER_ID
from tests.support.counter import PASSWORD as SERVICE_PASSWORD
from tests.support.staff import PASSWORD, StaffBrowser, StaffSight


@dataclass
class CounterBrowser(StaffBrowser):
    """One browser of one clerk; ``visit`` is the path of the visit that it is in."""

    shop: str = ""
    visit: str = ""

    def signs_in_at_shop(self) -> StaffSight:
        form = self.goes("sign-in").form_to("enter")
        seen = self.sends(form, name=self.name, password=PASSWORD, shop=self.shop)
        assert seen.answer.request.path == "/counter/", seen.text
        return seen

    def finds(self, number: str = GUANGDONG) -> StaffSight:
        """Find a number; the page that asks for its identity cards."""
        seen = self.sends(self.goes().form_to("find"), number=number)
        self.visit = seen.answer.request.path.removeprefix("/counter/").rpartition("/")[0]
        return seen

    def shows_cards(
        self, owner: str = OWNER_ID, agent: str = "", mode: str | None = None
    ) -> StaffSight:
        """Enter the numbers of the cards; the owner's keypad page where they can be right."""
        form = self.goes(f"{self.visit}/identity").form_to("identity")
        mode = mode or ("agent" if agent else "owner")
        return self.sends(form, mode=mode, owner=owner, agent=agent)

    def keys(self, password: str = SERVICE_PASSWORD) -> StaffSight:
        """Key a service password."""
        form = self.goes(f"{self.visit}/keypad").form_to("keypad")
        return self.sends(form, service_password=password)

    def identifies(self, number: str = GUANGDONG, *, with_agent: bool = False) -> StaffSight:
        """An identified customer's page."""
        self.finds(number)
        self.shows_cards(agent=AGENT_ID if with_agent else "")
        return self.keys()

    def act(self, seen: StaffSight, act: str) -> StaffSight:
        """Press the button of an act on a page."""
        return self.sends(act_form(seen, act))

    def acts(self, act: str, given: str = "", once: str | None = None) -> StaffSight:
        """Send an act even if no page has a button for it."""
        fields = self.goes(self.visit).form_to("end").fields
        fields = {"csrf_token": fields["csrf_token"], "once": once or fields["once"]}
        form = Form(f"/counter/{self.visit}/act", fields | {"act": act, "given": given})
        return self.sends(form)


def act_form(seen: StaffSight, act: str) -> Form:
    """The form of an act. Raises AssertionError where the page has none."""
    for form in seen.forms:
        if form.action.endswith("/act") and form.fields.get("act") == act:
            return form
    raise AssertionError(f"no button for {act} on {seen.text}")


def offers(seen: StaffSight, act: str) -> bool:
    """Whether a page has a button for an act."""
    return any(form.fields.get("act") == act for form in seen.forms)
