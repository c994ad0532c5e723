from foundation.errors import DomainError


class TooLate(DomainError):
    code = "TOO_LATE"
    hint = "Come earlier."


def test_domain_error__with_message__carries_code_message_and_hint() -> None:
    error = TooLate("The shop closed at six.")

    assert (error.code, error.message, error.hint) == ("TOO_LATE", "The shop closed at six.", "Come earlier.")
    assert str(error) == "The shop closed at six."


def test_domain_error__without_message__says_its_code() -> None:
    assert str(TooLate()) == "TOO_LATE"


def test_domain_error__own_hint__leaves_the_class_untouched() -> None:
    error = TooLate("Closed.", hint="Come at nine.")

    assert error.hint == "Come at nine."
    assert TooLate.hint == "Come earlier."
