import pytest
from tests.browser.test_learning_pages import learning_shop, PATHS
from tests.browser.conftest import *
from decisions.models import *
pytestmark=[pytest.mark.browser, pytest.mark.slow]
def test_shots(visit):
    shop = learning_shop()
    p = DecisionPoint.objects.get(pk=shop.point); l=Learner.objects.get(key='bandit'); DecisionPoint.objects.filter(pk=p.pk).update(learner=l, most_age_minutes=120)
    for scheme in ("light","dark"):
        tab = visit(color_scheme=scheme); tab.log_in()
        for n,path in enumerate([*PATHS, f"/admin/decisions/learner/add/?point={shop.point}", f"/admin/decisions/learner/{l.pk}/change/", f"/admin/decisions/decisionpoint/{shop.point}/change/"]):
            page=tab.go(path); page.screenshot(path=f"/tmp/shot9-{scheme}-{n}.png", full_page=True)
