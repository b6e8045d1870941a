// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {UnaskingToken} from "./OddToken.sol";
import {Signed} from "./Signed.sol";

/// @dev One call paid by a wallet contract that does its worst while it is asked; the money is counted before and after.
contract PayOnceWalletsTest is Signed {
    uint128 internal constant MOST = 1_000_000;
    uint128 internal constant PRICE = 600_000;
    uint256 internal constant HELD = 5_000_000;
    uint256 internal constant KEY = 0xA11CE;
    uint40 internal constant EXPIRY = type(uint40).max;
    bytes4 internal constant INVALID_SIGNATURE = bytes4(keccak256("ERC3009InvalidSignature()"));

    function setUp() public {
        _openSigned();
        // Somebody else's money lies in the ledger: whatever is taken too much is theirs.
        _deposit(KEY, HELD);
    }

    function test_aWalletThatRevertsPaysNothingThoughItRevertsWithAYes() public {
        _refused(address(new AnsweringWallet(abi.encode(IERC1271.isValidSignature.selector), true)));
        _refused(address(new AnsweringWallet("", true)));
    }

    function test_aWalletThatAnswersNothingOrOnlyTheFourBytesOfAYesPaysNothing() public {
        _refused(address(new AnsweringWallet(abi.encodePacked(IERC1271.isValidSignature.selector), false)));
        _refused(address(new AnsweringWallet("", false)));
    }

    function test_aWalletThatAnswersGarbageOrHugeDataPaysNothing() public {
        bytes4 yes = IERC1271.isValidSignature.selector;
        _refused(address(new AnsweringWallet(abi.encode(true), false)));
        _refused(address(new AnsweringWallet(abi.encode(uint256(uint32(yes))), false)));
        _refused(address(new AnsweringWallet(abi.encodePacked(yes, bytes28(uint224(1))), false)));
        uint256 gas = _refused(address(new HugeWallet()));
        vm.assertLe(gas, 400_000, "its answer is as large as the gas it was given buys");
    }

    /// @dev The wallet's 150,000, and the token's and the ledger's own work.
    function test_aWalletThatBurnsAllItsGasCostsItsShareAndPaysNothing() public {
        vm.assertLe(_refused(address(new BottomlessWallet())), 300_000, "whatever it burns");
    }

    /// @dev Of a token that lets the wallet have all, the ledger's own limit of 400,000 is left.
    function test_aWalletThatBurnsAllTheGasOfItsTokenCostsTheTokensShareAndPaysNothing() public {
        LooseToken token = _looseLedger();
        address wallet = address(new BottomlessWallet());
        token.mint(wallet, MOST);
        bytes memory call = _payCall(_request(wallet));
        uint256 gas = gasleft();
        vm.prank(router);
        (bool paid,) = address(ledger).call(call);

        vm.assertLe(gas - gasleft(), 550_000, "whatever it burns");
        vm.assertFalse(paid, "it was paid");
        vm.assertEq(token.balanceOf(wallet), MOST, "it keeps all");
        vm.assertEq(token.balanceOf(address(ledger)), 0, "and nobody got any");
    }

    /// @dev The question is static: the owner of an account cannot even announce a withdrawal from within its answer.
    function test_aWalletThatUsesTheLedgerWhileItIsAskedChangesNothingAndPaysOnce() public {
        StubbornWallet wallet = new StubbornWallet(address(ledger));
        bytes memory thaw = abi.encodeCall(IComputeLedger.thaw, (router, address(wallet), 1e6));
        _mint(address(wallet), MOST + 1e6);
        wallet.run(address(dollar), abi.encodeCall(IERC20.approve, (address(ledger), 1e6)));
        wallet.run(address(ledger), abi.encodeCall(IComputeLedger.deposit, (router, address(wallet), 1e6)));
        wallet.use(thaw);
        Messages.Request memory request = _request(address(wallet));
        IComputeLedger.Authorization memory authorization = _authorize(request);
        vm.prank(router);
        ledger.payOnce(request, EXPIRY, 1, PRICE, "receipt", authorization);

        vm.assertEq(ledger.accountOf(router, address(wallet)).thawing, 0, "nothing was announced");
        vm.assertEq(dollar.balanceOf(address(wallet)), MOST - PRICE, "the price and no more");
        vm.assertEq(dollar.balanceOf(address(ledger)), HELD + 1e6 + PRICE, "held");
        _splitIs(PRICE);
        // Not for another reason: while nobody asks, it may.
        wallet.run(address(ledger), thaw);
        vm.assertEq(ledger.accountOf(router, address(wallet)).thawing, 1e6, "announced");
    }

    /// @dev Of a token that asks without `staticcall`, the ledger's lock is left.
    function test_aWalletThatReentersPayOnceWithdrawOrClaimMovesNothing_ReentrancyGuardReentrantCall() public {
        LooseToken token = _looseLedger();
        ReenteringPayer wallet = new ReenteringPayer(address(ledger));
        _prepare(token, wallet);
        uint32[] memory ids = new uint32[](1);
        ids[0] = 1;
        bytes[3] memory doors = [
            abi.encodeCall(IComputeLedger.claim, (router, Role.Node, ids)),
            abi.encodeCall(IComputeLedger.withdraw, (router, address(wallet))),
            _payCall(_request(vm.addr(KEY)))
        ];
        for (uint256 i; i < doors.length; i++) {
            uint256 state = vm.snapshotState();
            wallet.use(doors[i]);
            wallet.run(address(ledger), _payCall(_request(address(wallet))));

            bytes4 locked = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
            vm.assertEq(bytes32(wallet.error()), bytes32(locked), "it was not locked out");
            vm.assertEq(token.balanceOf(address(wallet)), MOST - PRICE, "the price and no more");
            vm.assertEq(token.balanceOf(vm.addr(KEY)), MOST, "nobody else paid");
            vm.assertEq(token.balanceOf(_payout(Role.Node, 1)), 0, "and nobody was paid out");
            vm.assertEq(token.balanceOf(address(ledger)), 1e6 + 2 * PRICE, "held");
            // Not for another reason: while nobody asks, the door opens.
            wallet.run(address(ledger), doors[i]);
            vm.revertToState(state);
        }
    }

    // ---------------------------------------------------------------------------------------------------- private

    /// @return gas What the refused payment cost.
    function _refused(address wallet) private returns (uint256 gas) {
        _mint(wallet, MOST);
        Messages.Request memory request = _request(wallet);
        bytes memory call =
            abi.encodeCall(IComputeLedger.payOnce, (request, EXPIRY, 1, PRICE, "receipt", _authorize(request)));
        gas = gasleft();
        vm.prank(router);
        (bool paid, bytes memory error) = address(ledger).call(call);
        gas -= gasleft();

        vm.assertFalse(paid, "it was paid");
        vm.assertEq(bytes32(error), bytes32(INVALID_SIGNATURE), "for another reason");
        vm.assertEq(dollar.balanceOf(wallet), MOST, "it keeps all");
        vm.assertEq(dollar.balanceOf(address(ledger)), HELD, "the ledger holds what it held");
        _splitIs(0);
    }

    /// @dev 70 % to the node and 10 % each to pod and frontend; the rest is the protocol's.
    function _splitIs(uint256 gross) private view {
        vm.assertEq(ledger.claimable(router, Role.Node, 1), gross * 7 / 10, "node");
        vm.assertEq(ledger.claimable(router, Role.Pod, 2), gross / 10, "pod");
        vm.assertEq(ledger.claimable(router, Role.Frontend, 3), gross / 10, "frontend");
        vm.assertEq(ledger.protocolOwed(router), gross / 10, "protocol");
    }

    function _looseLedger() private returns (LooseToken token) {
        token = new LooseToken();
        IComputeLedger.Terms memory terms = _terms();
        terms.asset = IERC20(address(token));
        ledger = _newLedger(terms);
    }

    /// @dev A router of its own, with a thawed dollar at `router`; and one payment of another, so that there is a claim.
    function _prepare(LooseToken token, ReenteringPayer wallet) private {
        heu.approve(address(ledger.bond()), 1);
        ledger.bond().deposit(address(wallet), 0, 1);
        token.mint(address(wallet), MOST + 1e6);
        token.mint(vm.addr(KEY), MOST + PRICE);
        wallet.run(address(token), abi.encodeCall(IERC20.approve, (address(ledger), 1e6)));
        wallet.run(address(ledger), abi.encodeCall(IComputeLedger.deposit, (router, address(wallet), 1e6)));
        wallet.run(address(ledger), abi.encodeCall(IComputeLedger.thaw, (router, address(wallet), 1e6)));
        vm.warp(block.timestamp + THAW);
        bytes memory call = _payCall(_request(vm.addr(KEY)));
        vm.prank(router);
        (bool paid,) = address(ledger).call(call);
        vm.assertTrue(paid, "an ordinary payment");
    }

    /// @dev As the loose token takes it: it asks a key for nothing, and a wallet for its yes.
    function _payCall(Messages.Request memory request) private pure returns (bytes memory) {
        IComputeLedger.Authorization memory unsigned =
            IComputeLedger.Authorization(0, type(uint256).max, new bytes(65));
        return abi.encodeCall(IComputeLedger.payOnce, (request, EXPIRY, 1, PRICE, "receipt", unsigned));
    }

    function _request(address payer) private pure returns (Messages.Request memory request) {
        (request.payer, request.id, request.pod, request.manifest) = (payer, "id", 2, "manifest");
        (request.frontend, request.node, request.maxPrice) = (3, 1, MOST);
        (request.deadline, request.input) = (EXPIRY, "input");
    }

    function _authorize(Messages.Request memory request) private view returns (IComputeLedger.Authorization memory) {
        bytes32 voucher =
            Messages.hash(Messages.Voucher(router, request.maxPrice, EXPIRY, Messages.hash(request)));
        return _receive(KEY, request.payer, MOST, keccak256(abi.encodePacked(hex"1901", domain, voucher)));
    }
}

/// @dev Answers these bytes, or reverts with them.
contract AnsweringWallet {
    bytes private _answer;
    bool private _reverts;

    constructor(bytes memory answer, bool reverts) {
        (_answer, _reverts) = (answer, reverts);
    }

    fallback() external {
        bytes memory answer = _answer;
        bool reverts = _reverts;
        assembly ("memory-safe") {
            if reverts { revert(add(answer, 32), mload(answer)) }
            return(add(answer, 32), mload(answer))
        }
    }
}

/// @dev Memory of 60,000 bytes costs it some 13,000 gas, and whoever copies it as much again.
contract HugeWallet {
    fallback() external {
        assembly ("memory-safe") {
            return(0, 60000)
        }
    }
}

contract BottomlessWallet {
    fallback() external {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @dev What a test has it do, and a door that it tries while it is asked.
abstract contract ActingWallet {
    address internal immutable ledger;
    bytes internal _door;

    constructor(address ledger_) {
        ledger = ledger_;
    }

    function use(bytes calldata door) external {
        _door = door;
    }

    function run(address target, bytes calldata data) external {
        Address.functionCall(target, data);
    }
}

/// @dev Pays only if the door was shut.
contract StubbornWallet is ActingWallet {
    constructor(address ledger_) ActingWallet(ledger_) {}

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool done,) = ledger.call{gas: 100_000}(_door);
        return done ? bytes4(0xffffffff) : IERC1271.isValidSignature.selector;
    }
}

/// @dev Pays, and remembers how the door refused it.
contract ReenteringPayer is ActingWallet {
    bytes4 public error;

    constructor(address ledger_) ActingWallet(ledger_) {}

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool done, bytes memory answer) = ledger.call(_door);
        error = done ? bytes4(0) : bytes4(answer);
        return IERC1271.isValidSignature.selector;
    }
}

/// @dev Asks a wallet without a limit and without `staticcall`, and a key for nothing.
contract LooseToken is ERC20("Loose", "LOOSE"), UnaskingToken {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 amount,
        uint256,
        uint256,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        (bool done, bytes memory answer) = from.call(abi.encodeCall(IERC1271.isValidSignature, (nonce, signature)));
        require(done && bytes4(answer) == IERC1271.isValidSignature.selector, "no");
        _transfer(from, to, amount);
    }

    function _receive(address from, address to, uint256 amount) internal override {
        _transfer(from, to, amount);
    }
}
